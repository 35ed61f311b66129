// Owns a ledger in memory, as far as staleness looks into it: events in, islands and changes out.
import type { InputEvent } from '../../src/ledger/built-from.ts'
import { type Island, isLater } from '../../src/ledger/events.ts'
import type { ledgerReader } from '../../src/ledger/reader.ts'
import { type RowEvent, sameSince } from '../../src/ledger/unchanged.ts'
import { MARKS, splitStaleTag } from '../../src/ledger/stale.ts'
import { type Event, paint } from './ledger-history.ts'

type Reader = ReturnType<typeof ledgerReader>

export class SimulatedLedger {
  readonly events: Event[] = []
  /** By table key and UUID. */
  readonly #checkpoints = new Map<string, { readonly at: number; readonly islands: readonly Island[] }>()

  append(event: Omit<Event, 'epoch' | 'seq'>): void {
    // Ten to an epoch, so that both parts of a position count.
    const number = this.events.length
    this.events.push({ ...event, epoch: Math.floor(number / 10) + 1, seq: (number % 10) + 1 })
  }

  islands(key: string, uuid: string): readonly Island[] {
    const checkpoint = this.#checkpoints.get(`${key} ${uuid}`)
    const before = (checkpoint?.islands ?? []).map(({ from, to, state, sqlHash: hash, ...read }): Event => {
      const event = state === 'dirty' ? 'started' : state
      return { key, uuid, epoch: 0, seq: 0, event, range: { from, to }, hash, ...read }
    })
    const since = this.events.slice(checkpoint?.at ?? 0)
    return paint([...before, ...since.filter((event) => event.key === key && event.uuid === uuid)])
  }

  /** Holds the fold of the table so far, with the newest versions of inputs, as a checkpoint does. */
  checkpoint(key: string, uuid: string, newest: ReadonlyMap<string, string>): void {
    const islands = this.islands(key, uuid).map((island) => ({
      ...island,
      inputs: island.inputs
        .split(' ')
        .map((word) => newest.get(word.split('@')[0]!) ?? word)
        .join(' '),
    }))
    this.#checkpoints.set(`${key} ${uuid}`, { at: this.events.length, islands })
  }

  /** As `ledgerReader` asks the server. */
  readonly reader: Pick<Reader, 'fold' | 'inputChanges' | 'inputsRead' | 'lastPositions' | 'sameSince'> = {
    fold: async (uuids) =>
      new Map(
        [...uuids].map(([key, uuid]) => [
          key,
          {
            islands: this.islands(key, uuid),
            tail: 0,
            position: [0, 0],
            lastRun: undefined,
            digestRows: 0,
            oldestParts: [],
          },
        ]),
      ),
    inputChanges: async (questions) =>
      questions.flatMap(({ key, uuid, since, window }) =>
        this.#wrote(key, uuid).filter(
          ({ range, position }) =>
            isLater(position, since) && range.from <= window.to && range.to >= window.from,
        ),
      ),
    sameSince: async (questions) =>
      new Map(
        questions.map(({ key, uuid, window }) => [
          key,
          sameSince(
            this.#wrote(key, uuid).filter(({ range }) => range.from <= window.to && range.to >= window.from),
          ),
        ]),
      ),
    inputsRead: async (uuids) =>
      [...uuids].flatMap(([key, uuid]) => {
        const read = this.islands(key, uuid).filter(({ state, inputs }) => state === 'done' && inputs !== '')
        return [...Map.groupBy(read, ({ inputs }) => inputs)].map(([inputs, of]) => ({
          key,
          from: of[0]!.from,
          to: of.at(-1)!.to,
          inputs,
        }))
      }),
    lastPositions: async (uuids) =>
      new Map([...uuids].map(([key, uuid]) => [key, this.#wrote(key, uuid).at(-1)?.position ?? [0, 0]])),
  }

  #wrote(key: string, uuid: string): readonly (InputEvent & RowEvent)[] {
    return this.events
      .filter((event) => event.key === key && event.uuid === uuid)
      .filter(({ hash }) => !MARKS.some((tag) => tag === splitStaleTag(hash).reason))
      .map(({ event, range, epoch, seq, digest }) => ({ key, event, range, position: [epoch, seq], digest }))
  }
}
