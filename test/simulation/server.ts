// Owns the simulated server: the wire of every runner ends here. It does what each statement does to the world, now or
// later, once or twice, and answers or not, as the history says.
import { replaceTransport, type Transport } from '../../src/clickhouse/client.ts'
import { BEAT, type Fault, HEALED_MS } from './acts.ts'
import {
  type Answer,
  NOTED,
  notes,
  refused,
  refusedConnection,
  reset,
  type Settle,
  valuesBeside,
} from './answers.ts'
import { Refusal, Sent, type Statement } from './sent.ts'
import { statementOf, type UnknownStatement } from './statements.ts'
import type { Runner, Time } from './time.ts'
import { World } from './world.ts'
import { openWrites } from './writes.ts'

/** What a history wants to happen to the next statement of this name, if anything. */
export type Faults = (name: string) => Fault | undefined

/** Some five to thirty ms each way; statements overtake one another. */
const LATENCY_MS = 25

/** Others wait for 20 s whether a holder beats, and it beats every five. */
const TROUBLED_MS = 30_000
const SAID_WITHIN_MS = 18_000

const unheard: Settle = () => {}

export function startServer(time: Time, faults: Faults) {
  const world = new World()
  /** What was sent, and what came of it, to read. */
  const trace: string[] = []
  const { draw } = time
  /** Of INSERTs, by their ids. */
  const senders = new Map<string, Runner | undefined>()
  const latency = () => 5 + draw.below(LATENCY_MS)
  const said = (words: string) => void trace.push(`${(time.now() / 1000).toFixed(3)} ${words}`)

  const power = {
    restarts: 0,
    downUntil: 0,
    isDown: () => time.now() < power.downUntil,
  }
  const writes = openWrites({ world, time, power, said })

  /** A statement arrives. */
  function arrive(statement: Statement, sent: Sent, fault: Fault | undefined, settle: Settle): void {
    if (power.isDown()) return settle(refusedConnection())
    try {
      if (fault?.fault === 'refused') throw new Refusal(fault.code, 'not now')
      if (statement.goesOn === 'insert') return writes.insert(sent, fault, settle)
      if (statement.goesOn === 'delete') return writes.remover(sent, fault, settle)
      if (statement.name === 'take a lock') assertFree(sent)
      settle({ rows: statement.run(world, sent, time.now()) })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.message.includes('lock lost')) said(`  the fence refuses it`)
      settle(refused(error.code, error.message))
    }
  }

  /** The lock of a runner that lives and whose heartbeats come is nobody else's. */
  function assertFree(sent: Sent): void {
    const [name, of] = [String(sent.params['name']), (text: string) => Number(/"pid":(\d+)/.exec(text)?.[1])]
    const before = world.locksLike(name).at(-1)
    if (before === undefined || before >= name) return
    const comment = world.locks.get(before)!
    const holder = time.runners.find(({ pid }) => pid === of(comment))
    if (holder === undefined || holder.dead || comment.includes('"released":true')) return
    if (holder.pid !== of(sent.text) && time.now() > holder.troubledUntil + TROUBLED_MS)
      world.broken.push(`the lock ${before} of #${holder.pid}, which lives and beats, is taken`)
  }

  /** What goes on although its answer was lost is waited for, not ended. */
  function assertOthers({ ids }: { readonly ids?: readonly string[] }, runner: Runner | undefined): void {
    const own = ids?.find((id) => senders.get(id) === runner)
    if (own !== undefined && runner?.isConfused === false)
      world.broken.push(`#${runner.pid} ends its own statement ${own}, which went on well`)
  }

  function send(text: string, params: object, id: string): Promise<Answer> {
    const runner = time.asking()
    let statement: Statement
    try {
      statement = statementOf(text)
    } catch (error) {
      world.broken.push((error as UnknownStatement).message)
      return Promise.reject(error)
    }
    const sent = new Sent(text, params as Record<string, unknown>, id)
    const { name } = statement
    const fault = faults(name)
    if (fault !== undefined) trouble(runner, fault, name)
    // While it renews a lock, it beats for the epoch that it had: nobody sees that in the new one.
    else if (
      runner?.troubledUntil === Infinity &&
      (name === 'take a lock' || (name === BEAT && sent.params['name'] === runner.awaited))
    )
      runner.troubledUntil = time.now()
    if (name === 'take a lock' && runner !== undefined) runner.awaited = String(sent.params['name'])
    if (name === 'insert') senders.set(id, runner)
    if (name === 'kill statements') assertOthers(params, runner)
    if (fault !== undefined) said(`#${runner?.pid} ${name}: ${fault.fault}`)
    else if (NOTED.has(name)) said(`#${runner?.pid} ${name} ${notes(statement, sent)}`)
    return new Promise((resolve, reject) => {
      const answer: Settle = (given) =>
        void time.later(latency(), () => (given instanceof Error ? reject(given) : resolve(given)), runner)
      const come = (delay: number, settle: Settle) =>
        void time.later(delay, () => guarded(() => arrive(statement, sent, fault, settle)), undefined)
      // In the healthy part a dead runner's heartbeat would be its last fault, since the run that watches ends with 5; and what a dead
      // redo wishes is done by the run after it.
      const isLast = name === BEAT || name === 'append to the ledger'
      const comeLate = (ms: number) =>
        come(isLast ? Math.min(ms, Math.max(0, HEALED_MS - time.now())) : ms, unheard)
      switch (fault?.fault) {
        case 'killed before':
          return kill(runner)
        case 'killed after':
          return come(latency(), () => kill(runner))
        case 'killed meanwhile':
          come(latency(), unheard)
          return void time.later(2 * LATENCY_MS + draw.below(1000), () => kill(runner), undefined)
        case 'unsent':
          return void time.later(latency(), () => reject(reset()), runner)
        case 'lost':
          return come(latency(), () => answer(reset()))
        case 'lost meanwhile':
          come(latency(), unheard)
          return void time.later(2 * LATENCY_MS + draw.below(1000), () => reject(reset()), runner)
        case 'late':
          comeLate(fault.ms)
          return void time.later(latency(), () => reject(reset()), runner)
        case 'killed late':
          comeLate(fault.ms)
          return kill(runner)
        case 'stopped':
          if (runner !== undefined) runner.stoppedUntil = time.now() + fault.ms
          return come(latency(), answer)
        case 'twice':
          come(latency(), answer)
          return come(fault.ms, unheard)
        case 'slow':
          return come(fault.ms, answer)
        case 'old':
          return come(latency(), (given) => void time.later(fault.ms, () => answer(given), undefined))
        default:
          come(latency(), answer)
      }
    })
  }

  /** What it suffers is remembered: of who suffers nothing more is expected. */
  function trouble(runner: Runner | undefined, fault: Fault, name: string): void {
    if (runner === undefined) return
    runner.hasMet = true
    // It gives a sign as soon as it has that answer, before others take it for dead.
    const isSaidInTime = name === 'take a lock' && fault.fault === 'old' && fault.ms < SAID_WITHIN_MS
    const ms = 'ms' in fault ? fault.ms : 0
    if (name !== 'insert' || fault.fault !== 'lost meanwhile') runner.isConfused = true
    if ((name === BEAT || name === 'take a lock' || fault.fault === 'stopped') && !isSaidInTime)
      runner.troubledUntil = Math.max(runner.troubledUntil, time.now() + ms)
    // It beats no sooner than it knows that it has the lock.
    if (name === 'take a lock' && !isSaidInTime) runner.troubledUntil = Infinity
  }

  /** A fault of the simulation itself is not the program's. */
  function guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      world.broken.push(`the simulation failed: ${(error as Error).stack}`)
    }
  }

  function kill(runner: Runner | undefined): void {
    if (runner === undefined || runner.dead) return
    runner.dead = true
    said(`#${runner.pid} is killed`)
  }

  type Asked = { query: string; query_params?: object; query_id?: string; clickhouse_settings?: object }
  const sendAsked = (asked: Asked) =>
    send(asked.query, { ...asked.query_params, ...valuesBeside(asked) }, asked.query_id ?? '')
  const transport = {
    async query(asked: Asked) {
      const { rows } = await sendAsked(asked)
      return { text: async () => JSON.stringify({ data: rows }) }
    },
    async exec(asked: Asked) {
      const { rows, written = 0 } = await sendAsked(asked)
      const summary = { read_rows: '1', read_bytes: '1', written_rows: String(written), memory_usage: '1' }
      return { stream: rows.map((row) => Buffer.from(JSON.stringify(row))), summary }
    },
    ping: () =>
      new Promise((resolve) => {
        void time.later(
          latency(),
          () => resolve(power.isDown() ? { success: false, error: refusedConnection() } : { success: true }),
          time.asking(),
        )
      }),
    close: async () => {},
  }
  const restore = replaceTransport(() => transport as unknown as Transport)

  return {
    world,
    trace,
    said,
    kill,
    /** It answers nobody until then; what ran there has ended. */
    restart(ms: number): void {
      power.restarts++
      power.downUntil = time.now() + ms
      for (const runner of time.runners) {
        runner.troubledUntil = Math.max(runner.troubledUntil, power.downUntil)
        runner.isConfused = true
        runner.hasMet = true
      }
    },
    heal: () => void (power.downUntil = 0),
    end: restore,
  }
}
