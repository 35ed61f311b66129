// Owns the live lines of a terminal: drawn at most ten times a second, below all other lines.
import { after } from '../seam/clock.ts'

export type Live = {
  /** Draws in the next frame. */
  draw(): void
  /** Prints lines that stay, above the live ones. */
  above(lines: readonly string[]): void
  /** Leaves the last frame on the screen; later lines are printed below it. Safe to call twice. */
  close(): void
}

const FRAME_MS = 100

/** `lines` returns the content of each frame. Async because log-update is loaded on use. */
export async function createLive(stream: NodeJS.WriteStream, lines: () => readonly string[]): Promise<Live> {
  const { createLogUpdate } = await import('log-update')
  // The cursor stays visible, because a killed process could not restore it.
  const log = createLogUpdate(stream, { showCursor: true })
  let cancel: (() => void) | undefined
  let open = true
  const frame = () => {
    cancel = undefined
    const text = lines().join('\n')
    if (text !== '') log(text)
  }
  return {
    draw() {
      cancel ??= after(FRAME_MS, frame)
    },
    above(kept) {
      if (kept.length > 0) log.persist(kept.join('\n'))
    },
    close() {
      cancel?.()
      if (open) frame()
      log.done()
      open = false
    },
  }
}
