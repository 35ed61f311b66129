// Owns how a path is shown to people.
import { relative } from 'node:path'

/** Relative to the working directory where that is shorter. */
export function shown(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere !== '' && fromHere.length < path.length ? fromHere : path
}
