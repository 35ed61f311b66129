// Owns what happens to the recorded versions of inputs at a checkpoint: ranges that would read the same now take the
// present version, so that their islands merge and the next look begins there; the others are marked as stale.
import { type BlockSet, blockSet, intersect, type Range } from '../model/blocks.ts'
import { type InputTable, readInputs, versionName, versionsRead } from './built-from.ts'
import { type Island, isLater, type LedgerEvent } from './events.ts'
import type { ledgerReader } from './reader.ts'
import { splitStaleTag, withStaleTag } from './stale.ts'
import type { SameSince } from './unchanged.ts'
import { changedSince } from './staleness.ts'

export type Advance = {
  /** For each done range whose inputs have changed since it was computed: the event that marks it. */
  readonly marks: readonly (Pick<LedgerEvent, 'range' | 'sqlHash' | 'forks'> & { readonly key: string })[]
  /** By name of the version (built-from.ts): the version that all other ranges can be said to be computed from. */
  readonly newest: ReadonlyMap<string, string>
}

type Dependant = {
  readonly key: string
  readonly targetUuid: string
  readonly inputs: readonly InputTable[]
}

type Reader = Pick<ReturnType<typeof ledgerReader>, 'fold' | 'inputChanges' | 'inputsRead' | 'sameSince'>

/** The caller holds the locks of the tables, so that no range of theirs gets done meanwhile. */
export async function advance(reader: Reader, dependants: readonly Dependant[]): Promise<Advance> {
  const uuids = new Map(
    dependants.filter(({ inputs }) => inputs.length > 0).map(({ key, targetUuid }) => [key, targetUuid]),
  )
  if (uuids.size === 0) return { marks: [], newest: new Map() }
  const read = await reader.inputsRead(uuids)
  const inputs = new Map(dependants.flatMap((one) => one.inputs).map((input) => [input.key, input]))
  const known = versionsRead(read, (key) => inputs.get(key)?.uuid)
  const changes = Map.groupBy(await reader.inputChanges(known), ({ key }) => key)
  const newest = known.map(({ key, uuid, positions }) => {
    const all = [...positions, ...(changes.get(key) ?? []).map(({ position }) => position)]
    const last = all.reduce((one, other) => (isLater(one, other) ? one : other))
    return [versionName(key, uuid), `${versionName(key, uuid)}@${last.join('.')}`] as const
  })
  const touched = (
    dependant: string,
    { from, to, inputs: text }: Range & Pick<Island, 'inputs'>,
    same: ReadonlyMap<string, SameSince> = new Map(),
  ): BlockSet =>
    blockSet(
      [...readInputs(text)].flatMap(([key, version]) => {
        // Each dependant reads it in its own way: its own range, all before, or its own rows.
        const way = dependants.find((one) => one.key === dependant)?.inputs.find((one) => one.key === key)
        if (way === undefined || version?.uuid !== way.uuid) return []
        const input = { ...way, changes: changes.get(key) ?? [], same: same.get(key) }
        return intersect([{ from, to }], changedSince(input, version.position))
      }),
    )
  // The hulls are more than the ranges: only where one of them is touched the ranges must be known.
  const suspects = new Map(
    read.filter((hull) => touched(hull.key, hull).length > 0).map(({ key }) => [key, uuids.get(key)!]),
  )
  const views = await reader.fold(suspects)
  const changed = known.filter(
    ({ key }) => suspects.size > 0 && inputs.get(key)?.perKey === false && changes.has(key),
  )
  const same = await reader.sameSince(changed)
  return {
    newest: new Map(newest),
    marks: [...views].flatMap(([key, { islands }]) =>
      islands
        .filter(({ state, sqlHash }) => state === 'done' && splitStaleTag(sqlHash).reason === undefined)
        .flatMap((island) =>
          touched(key, island, same).map((range) => {
            const { forks, sqlHash } = island
            return { key, range, forks, sqlHash: withStaleTag('inputs', sqlHash) }
          }),
        ),
    ),
  }
}
