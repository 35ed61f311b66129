// Owns drawing a history from a seed. Half of them are wide: any act, any fault. The others are narrow: a few acts that get in each
// other's way within moments, and all faults on the statements that they then depend on.
import { type Act, type Fault, HEALED_MS, type History, OF_A_REBUILD, RARE, READS, WRITES } from './acts.ts'
import { FAULTS, type Focus, FOCUSES, type Name } from './focuses.ts'
import { type Draw, drawFrom } from './time.ts'
import { BLOCKS, type Key, KEYS } from './world.ts'

/** Too many parts, too many queries, cancelled, memory, Keeper, a disk that is full for a while. */
const CODES = [252, 202, 394, 241, 999, 243]

function faultOn(draw: Draw, statement: string, nth: number, kinds: readonly Fault['fault'][]): Fault {
  const on = { statement, nth }
  const isInsert = statement === 'insert'
  const drawn = draw.of(kinds)
  // A proxy repeats what it has lost within moments; an INSERT that comes again is not refused. Only an INSERT is done in part.
  const isOther = isInsert ? drawn === 'twice' : drawn.startsWith('partly')
  // An EXCHANGE that comes twice, or when its rebuild is long dead and none has begun since, changes the tables (reliability.md says so).
  const isUnseen = statement === 'exchange tables' && (drawn === 'killed late' || drawn === 'twice')
  const fault = isOther ? 'slow' : isUnseen ? 'killed after' : drawn
  switch (fault) {
    case 'late':
    case 'killed late':
      return { ...on, fault, ms: draw.below(draw.of([3_000, 60_000, 600_000])) }
    case 'twice':
      return { ...on, fault, ms: draw.below(3_000) }
    case 'slow':
    case 'old':
      return { ...on, fault, ms: draw.below(40_000) }
    case 'stopped':
      // Longer than others wait for its heartbeat.
      return { ...on, fault, ms: 20_000 + draw.below(draw.of([3_000, 20_000])) }
    case 'refused':
    case 'partly':
    case 'partly, lost':
      return { ...on, fault, code: draw.of(CODES) }
    default:
      return { ...on, fault }
  }
}

const HOSTS = ['one', 'one', 'two']

function up(draw: Draw, at: number, tables: readonly Key[]): Act {
  const only = draw.chance(0.2) ? { only: draw.of(tables) } : {}
  const [jobs, chunk] = [1 + draw.below(3), draw.of([2, 3, 3, 6])]
  return { at, act: 'up', host: draw.of(HOSTS), jobs, chunk, ...only }
}

type Place = {
  readonly at: number
  readonly tables: readonly Key[]
  readonly table: Key
  readonly runners: number
}

function act(draw: Draw, name: Name, { at, tables, table, runners }: Place): Act {
  const runner = draw.below(runners)
  const host = draw.of(['one', 'two'])
  switch (name) {
    case 'up':
      return up(draw, at, tables)
    case 'kill':
      return { at, act: name, runner }
    case 'stop':
      return { at, act: name, runner, ms: draw.below(120_000) }
    case 'jump':
      return { at, act: name, runner, ms: draw.of([-1, 1]) * draw.below(86_400_000) }
    case 'restart':
      return { at, act: name, ms: draw.below(20_000) }
    case 'redo': {
      const from = 1 + draw.below(BLOCKS)
      const to = Math.min(BLOCKS, from + draw.below(4))
      // Rows of `last` cannot be deleted by range: it is refused there.
      return { at, act: name, host, table, from, to, stray: draw.chance(0.3) }
    }
    case 'rebuild':
      return { at, act: name, host, table, dropOld: draw.chance(0.3) }
    case 'restore': {
      const by = draw.chance(0.6) ? 'backup' : 'script'
      const spoilt = draw.of([undefined, undefined, undefined, 'wrong', 'lacking', 'twice'] as const)
      return { at, act: name, table, by, block: 1 + draw.below(BLOCKS), ...(spoilt && { spoilt }) }
    }
    case 'adopt':
      return { at, act: name, host, table, known: draw.chance(0.4) }
    case 'replace':
    case 'truncate':
    case 'back up':
      return { at, act: name, table }
    case 'verify sources':
    case 'redo stale':
    case 'status':
      return { at, act: name, host }
    case 'pause':
      return { at, act: name, ms: draw.below(30_000) }
    default:
      return { at, act: name, block: 1 + draw.below(BLOCKS) }
  }
}

const ACTS: readonly Name[] = [
  'kill',
  'kill',
  'stop',
  'restart',
  'jump',
  'redo',
  'redo',
  'replace',
  'truncate',
  'rebuild',
  'verify sources',
  'redo stale',
  'status',
  'pause',
  'rewrite',
  'rewrite',
  'restore',
  'adopt',
]

/** A table is replaced when the runs before have mostly ended. */
const ENDS_MS = 15_000

const anyTables = (draw: Draw): readonly Key[] =>
  draw.chance(0.1)
    ? KEYS
    : draw.of<readonly Key[]>([
        ['plain'],
        ['plain'],
        ['plain', 'echo'],
        ['plain', 'echo'],
        ['last'],
        ['total'],
      ])

/** The history of a seed: one to three runners, up to six faults, up to three acts; or what a focus wants. */
export function historyOf(seed: number): History {
  const draw = drawFrom(seed ^ 0x5eed)
  const isCreated = draw.chance(0.9)
  const { tables, acts, faults } = draw.chance(0.5) ? wide(draw) : narrow(draw, draw.of(FOCUSES))
  return { seed, tables, isCreated, acts: acts.toSorted((one, other) => one.at - other.at), faults }
}

type Drawn = Pick<History, 'tables' | 'acts' | 'faults'>

function wide(draw: Draw): Drawn {
  const runners = draw.of([1, 1, 2, 3])
  const tables = anyTables(draw)
  const starts = Array.from({ length: runners }, (_, index) =>
    up(draw, index === 0 ? 0 : draw.below(draw.chance(0.5) ? 3_000 : 60_000), tables),
  )
  const acts = Array.from({ length: draw.below(4) }, () =>
    act(draw, draw.of(ACTS), {
      at: draw.below(draw.chance(0.5) ? 10_000 : HEALED_MS),
      tables,
      table: draw.of(tables),
      runners,
    }),
  )
  const isRebuilt = acts.some(({ act: name }) => name === 'rebuild')
  const faults = Array.from({ length: draw.below(7) }, () => {
    const ofRun = draw.chance(0.7) ? WRITES : READS
    const statement = draw.of(isRebuilt && draw.chance(0.4) ? OF_A_REBUILD : ofRun)
    const nth = 1 + draw.below(RARE.has(statement) ? 2 : draw.of([3, 6, 16]))
    return faultOn(draw, statement, nth, FAULTS)
  })
  return { tables, acts: [...starts, ...acts], faults }
}

function narrow(draw: Draw, focus: Focus): Drawn {
  const tables = focus.tables ?? anyTables(draw)
  let at = focus.afterFirst ? ENDS_MS : 0
  const soon = () => (at += draw.below(draw.of([300, 3_000, 30_000])))
  const first =
    focus.mayBeFirst && draw.chance(0.5)
      ? []
      : [{ ...up(draw, 0, tables), ...(focus.first && { only: focus.first, chunk: BLOCKS }) }]
  const table = draw.of(tables)
  const names = [...focus.acts, ...(focus.last ? [draw.of(focus.last)] : [])]
  const acts = [
    ...first,
    ...names.map((name) => {
      if (name === 'restore') at += ENDS_MS
      return act(draw, name, { at: soon(), tables, table, runners: 1 })
    }),
  ]
  const faults = Array.from({ length: 1 + draw.below(3) }, () =>
    faultOn(draw, draw.of(focus.statements), draw.of(focus.nth ?? [1, 2, 3]), focus.faults),
  )
  return { tables, acts, faults }
}
