// Owns the judgement of the target's storage: free disk, too many parts, deletions that do not end, merges that stand.
import { type Asked, type Diagnosis, evaluated, listed, verdicts } from './finding.ts'
import { quotedName, quoteString } from '../../../sql-syntax/quoting.ts'

/** A partition of one of our tables. */
export type Partition = {
  /** Of a cluster; empty where there is none. */
  readonly host: string
  readonly database: string
  readonly table: string
  readonly partitionId: string
  readonly parts: number
  readonly bytes: number
  /** Parts that were never merged, and how long ago the newest of them came, in seconds. */
  readonly unmerged: number
  readonly quietSeconds: number
}

export type PartLimits = { readonly delay: number; readonly refuse: number }

export type Mutation = {
  readonly host: string
  readonly database: string
  readonly table: string
  readonly id: string
  readonly seconds: number
  /** Why the latest try failed; empty where none did. */
  readonly failure: string
}

export type StorageFacts = {
  readonly disks: Asked<readonly Disk[]>
  readonly partitions: Asked<readonly Partition[]>
  /** Those that are not done. */
  readonly mutations: Asked<readonly Mutation[]>
  /** Tables, `database.table` or `database.table on host`, on which merges or mutations work now. */
  readonly merging: Asked<readonly string[]>
  /** Of a table, by the same. */
  readonly limits: Asked<ReadonlyMap<string, PartLimits>>
}

export function evaluateStorage(about: string, facts: StorageFacts): readonly Diagnosis[] {
  const partitions = 'got' in facts.partitions ? facts.partitions.got : []
  const working = new Set('got' in facts.merging ? facts.merging.got : [])
  return [
    ...evaluated('disk', about, facts.disks, (disks) => evaluateDisks(about, disks, partitions)),
    ...evaluated('parts', about, facts.partitions, (all) =>
      evaluated('parts', about, facts.limits, (limits) => evaluateParts(about, all, limits)),
    ),
    ...evaluated('mutations', about, facts.mutations, (mutations) =>
      evaluateMutations(about, mutations, working),
    ),
    ...evaluated('merges', about, facts.merging, () =>
      evaluated('merges', about, facts.mutations, (mutations) =>
        evaluateMerges(about, { mutations, partitions, working }),
      ),
    ),
  ]
}

/** ClickHouse lets partitions of big parts be: they are merged enough (max_avg_part_size_for_too_many_parts). */
const BIG_PART = 1024 ** 3

function evaluateParts(
  about: string,
  partitions: readonly Partition[],
  limits: ReadonlyMap<string, PartLimits>,
): readonly Diagnosis[] {
  const { ok } = verdicts('parts', about)
  const crowded = partitions.filter(({ parts, bytes }) => bytes / parts < BIG_PART)
  const full = [...Map.groupBy(crowded, nameOf)].flatMap(([name, own]): readonly Diagnosis[] => {
    const worst = own.reduce((a, b) => (b.parts > a.parts ? b : a))
    const { delay, refuse } = limits.get(name) ?? { delay: Infinity, refuse: Infinity }
    const found = `${name} has ${worst.parts} parts in partition ${worst.partitionId}`
    const hint = there(
      `OPTIMIZE TABLE ${placeOf(worst)} PARTITION ID ${quoteString(worst.partitionId)}`,
      worst,
    )
    const { warn, fail } = verdicts('parts', about)
    if (worst.parts >= refuse)
      return [fail(`${found}: INSERTs are refused from ${refuse} on (parts_to_throw_insert)`, hint)]
    if (worst.parts >= delay)
      return [warn(`${found}: INSERTs are slowed down from ${delay} on (parts_to_delay_insert)`, hint)]
    if (worst.parts >= delay * 0.8)
      return [warn(`${found}, and INSERTs are slowed down from ${delay} on (parts_to_delay_insert)`, hint)]
    return []
  })
  const most = Math.max(0, ...partitions.map(({ parts }) => parts))
  return full.length > 0 ? full : [ok(`${most} parts in a partition at most, no INSERT is slowed down`)]
}

/** A deletion of a chunk takes seconds to minutes. */
const LONG_SECONDS = 3600

function evaluateMutations(
  about: string,
  mutations: readonly Mutation[],
  working: ReadonlySet<string>,
): readonly Diagnosis[] {
  const { ok, warn, fail } = verdicts('mutations', about)
  const broken = mutations.filter(({ failure }) => failure !== '')
  const long = mutations.filter(
    (one) => one.failure === '' && one.seconds >= LONG_SECONDS && working.has(nameOf(one)),
  )
  if (broken.length + long.length > 0)
    return [
      ...broken.map((one) =>
        fail(`${one.id} of ${nameOf(one)} fails again and again: ${one.failure}`, killOf(one)),
      ),
      ...long.map((one) =>
        warn(`${one.id} of ${nameOf(one)} has run for ${Math.round(one.seconds / 60)} min`, killOf(one)),
      ),
    ]
  return [ok(mutations.length === 0 ? 'none under way' : `${mutations.length} under way, none fails`)]
}

function killOf(one: Mutation): string {
  const [of, on, which] = [one.database, one.table, one.id].map(quoteString)
  const kill = `KILL MUTATION WHERE database = ${of} AND table = ${on} AND mutation_id = ${which}`
  return there(kill, one)
}

/** A server begins a mutation within a second or two, and merges twenty new parts at once. */
const WAITING_SECONDS = 5

const UNMERGED_PARTS = 20

const UNMERGED_SECONDS = 60

/** No system table says that merges are stopped (ClickHouse issue 86576): it shows by what is not done. */
function evaluateMerges(
  about: string,
  {
    mutations,
    partitions,
    working,
  }: {
    readonly mutations: readonly Mutation[]
    readonly partitions: readonly Partition[]
    readonly working: ReadonlySet<string>
  },
): readonly Diagnosis[] {
  const { ok, warn, fail } = verdicts('merges', about)
  const waiting = mutations.filter(
    (one) => one.failure === '' && one.seconds >= WAITING_SECONDS && !working.has(nameOf(one)),
  )
  const stopped = new Map(waiting.map((one) => [nameOf(one), one]))
  const piled = partitions.filter(
    (one) =>
      one.unmerged >= UNMERGED_PARTS &&
      one.quietSeconds >= UNMERGED_SECONDS &&
      !working.has(nameOf(one)) &&
      !stopped.has(nameOf(one)),
  )
  if (stopped.size + piled.length === 0)
    return [ok(working.size === 0 ? 'nothing waits for them' : `at work on ${listed([...working])}`)]
  return [
    ...[...stopped].map(([name, one]) =>
      fail(
        `nothing works on ${one.id} of ${name}, which waits for ${one.seconds} s: merges are stopped or their pool is full, a deletion would not end`,
        there(`SYSTEM START MERGES ${placeOf(one)}`, one),
      ),
    ),
    ...[...Map.groupBy(piled, nameOf)].map(([name, [one]]) =>
      warn(
        `${one!.unmerged} parts of ${name} were never merged, the newest is ${one!.quietSeconds} s old: are merges stopped?`,
        there(`SYSTEM START MERGES ${placeOf(one!)}`, one!),
      ),
    ),
  ]
}

export type Disk = {
  readonly name: string
  /** Bytes that can be written. */
  readonly free: number
  readonly total: number
  readonly broken: boolean
}

/** Below this a merge of any size fails, and INSERTs soon. */
const LEAST_FREE = 1024 ** 3

function evaluateDisks(
  about: string,
  disks: readonly Disk[],
  partitions: readonly (Placed & { readonly bytes: number })[],
): readonly Diagnosis[] {
  const sizes = [...Map.groupBy(partitions, nameOf)].map(([name, own]) => ({
    name,
    bytes: own.reduce((sum, { bytes }) => sum + bytes, 0),
  }))
  const biggest = sizes.toSorted((a, b) => b.bytes - a.bytes)[0]
  return disks.map(({ name, free, total, broken }) => {
    const { ok, warn, fail } = verdicts('disk', about)
    const found = `disk ${name}: ${bytesText(free)} of ${bytesText(total)} free`
    if (broken)
      return fail(`disk ${name} is broken`, `SELECT * FROM system.disks WHERE name = ${quoteString(name)}`)
    const hint =
      'Free or add disk space; the tables by size: SELECT database, table, formatReadableSize(sum(bytes_on_disk)) FROM system.parts WHERE active GROUP BY ALL ORDER BY sum(bytes_on_disk) DESC'
    if (free < Math.min(LEAST_FREE, total / 20)) return fail(`${found}: INSERTs and merges will fail`, hint)
    if (biggest !== undefined && free < biggest.bytes)
      return warn(
        `${found}, less than ${biggest.name} has (${bytesText(biggest.bytes)}): rebuild, or a merge of it, would not fit`,
        hint,
      )
    if (free < total / 20) return warn(`${found}, less than a twentieth`, hint)
    const tables = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
    return ok(`${found}; the derived tables and the ledger have ${bytesText(tables)}`)
  })
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

function bytesText(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** step
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[step]}`
}

/** A table, on a server of a cluster; `host` is empty where there is none. */
type Placed = { readonly host: string; readonly database: string; readonly table: string }

function nameOf({ host, database, table }: Placed): string {
  return `${database}.${table}${host === '' ? '' : ` on ${host}`}`
}

function placeOf({ database, table }: Placed): string {
  return `${quotedName(database)}.${quotedName(table)}`
}

/** A statement is for the server that has the trouble. */
function there(statement: string, { host }: Placed): string {
  return host === '' ? statement : `${statement} -- on ${host}`
}
