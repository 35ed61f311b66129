// Owns what is sent to one ClickHouse server, and asked again; only here a client's errors become BackfillErrors.
import type { Readable } from 'node:stream'
import type { ClickHouseSettings, ResponseJSON } from '@clickhouse/client'
import type { Connection } from './connection.ts'
import { BoundText } from '../sql-syntax/parameters.ts'
import type { BackfillError } from '../model/errors.ts'
import { NEVER_BEGAN } from './error-codes.ts'
import { errorInBody, NO_SUMMARY, TAIL_BYTES, textOf, wholeText } from './answers.ts'
import { withStatus } from './http-agent.ts'
import { overHttp, type Transport } from './http-transport.ts'
import { withArrayParts, longForm } from './long-parameters.ts'
import { passesSoon } from './retry.ts'
import { serverError } from './server-error.ts'
import { unlessSilent } from './silence.ts'
import { sleep } from '../seam/clock.ts'
import { randomFraction, randomId } from '../seam/random.ts'
import { replaceable } from '../seam/replaceable.ts'

export type { Transport } from './http-transport.ts'

type Answered = (host: unknown) => Promise<void> | void

/** A statement; `doing` is its purpose, printed after "while" if it fails. */
type Sent<Params> = Params & {
  readonly doing?: string | undefined
  /** Told which host has answered; without it, a host that is new is checked. */
  readonly answered?: Answered | undefined
}

type Unsent<Params> = Omit<Sent<Params>, 'doing' | 'answered'>

type Question = Sent<Omit<Parameters<Transport['query']>[0], 'format'>>

/** `isRepeatable`: run twice it does what it does once, as a question or CREATE … IF NOT EXISTS does. */
type Repeatable = Sent<Parameters<Transport['exec']>[0]> & { readonly isRepeatable?: boolean }

/** Every method but `ping` and `close` throws a BackfillError: `server`, `failed` or `locked` (server-error.ts). */
export type Client = {
  /** The rows of an answer: objects by default, arrays (JSONCompact) on request. */
  rows<Row>(question: Question & { readonly format?: 'JSON' | 'JSONCompact' }): Promise<Row[]>
  table<Row>(question: Question): Promise<ResponseJSON<Row>>
  command(statement: Repeatable): Promise<void>
  /** The answer as it is, for statements that take no FORMAT. */
  text(statement: Repeatable): Promise<string>
  /** The answer's bytes as they arrive: the reader has to look for errors after the headers. */
  exec(statement: Repeatable): ReturnType<Transport['exec']>
  /** Never throws; the error, if any, is in the answer. */
  ping(): ReturnType<Transport['ping']>
  close(): Promise<void>
  /** The names under which the hosts are known that have answered: behind a load balancer there are several. */
  readonly hosts: Set<unknown>
  /** From now on `check` is to ask each host that is new; it passes on `answered`. */
  onAnotherHost(check: (answered: Answered) => Promise<unknown>): void
  as(connection: Connection): Client
}

type Limits = { sendable(settings: ClickHouseSettings): ClickHouseSettings }

/** Sends nothing yet. `settings` go with every statement. @param limits undefined if the user may set everything */
export function openClient(
  connection: Connection,
  settings: ClickHouseSettings,
  limits?: Limits,
  hosts: Client['hosts'] = new Set(),
  transport = wire.present()(connection, settings),
): Client {
  let check: Parameters<Client['onAnotherHost']>[0] | undefined
  /** A host is known once it has passed the check: as long as others answer that, its next answer brings the next one. */
  async function met(host: unknown): Promise<void> {
    if (host === undefined || hosts.has(host)) return
    let passed: unknown = host
    await check?.((other) => void (passed = other))
    hosts.add(passed)
  }
  async function send<Params extends Bindable, Answer>(
    { doing, answered = met, ...unbound }: Sent<Params>,
    call: (params: Unsent<Params>) => Promise<Answer>,
    restOf?: (answer: Answer) => Readable,
  ): Promise<Answer> {
    const statement: Unsent<Params> = withArrayParts(withBoundTexts(unbound))
    const { clickhouse_settings: wanted } = statement
    const sent = wanted && limits ? { ...statement, clickhouse_settings: limits.sendable(wanted) } : statement
    const { lookFor } = transport
    try {
      return await withStatus((inUse) => {
        if (lookFor === undefined) return call(sent)
        // To notice that a connection falls silent, the query id has to be known.
        const { query_id = randomId() } = sent
        const lookout = { ...inUse, isRunning: lookFor(query_id, hosts) }
        return unlessSilent(() => call({ ...sent, query_id }), lookout, restOf)
      }, answered)
    } catch (error) {
      throw serverError(error, { connection, doing })
    }
  }
  const again =
    (mayRepeat: (error: unknown) => boolean): typeof send =>
    async (question, call, restOf) => {
      for (let attempt = 0; ; attempt++)
        try {
          return await send(question, call, restOf)
        } catch (error) {
          const ms = mayRepeat(error) ? [100, 400, 1600, 3200][attempt] : undefined
          if (ms === undefined || closed.has(transport)) throw error
          // Questions that were refused together, because a user may have few at once, do not come back together.
          await sleep(ms * (0.5 + randomFraction()))
          if (closed.has(transport)) throw error
        }
    }
  const exec = (params: Parameters<Transport['exec']>[0]) => transport.exec(longForm(params))
  /** A question may be asked again: one lost connection, or a server that is busy for a moment, ends nothing. */
  const ask = again(passesSoon)
  /** Another statement may be repeated only if it certainly never began. */
  const tell = again((error) => NEVER_BEGAN.has((error as BackfillError).code))
  const whole = <Row>(question: Question, format: 'JSON' | 'JSONCompact') =>
    ask(question, async (params) =>
      documentOf<Row>(await textOf(await transport.query({ ...params, format }))),
    )
  return {
    rows: async <Row>({ format = 'JSON', ...question }: Parameters<Client['rows']>[0]) =>
      (await whole<Row>(question, format)).data,
    table: (question) => whole(question, 'JSON'),
    command: async ({ isRepeatable = false, ...statement }) => {
      await (isRepeatable ? ask : tell)(statement, async (params) => {
        const { stream, summary } = await exec(params)
        const isPage = (await wholeText(stream)).trimStart().startsWith('<')
        // It comes from something before the server, which may not have seen the statement.
        if (isPage || summary === undefined)
          throw new Error(isPage ? 'the answer is a page, and is none of ClickHouse' : NO_SUMMARY)
      })
    },
    text: ({ isRepeatable = false, ...statement }) =>
      (isRepeatable ? ask : send)(statement, async (params) => wholeText((await exec(params)).stream)),
    exec: ({ isRepeatable = false, ...statement }) =>
      (isRepeatable ? ask : send)(statement, exec, ({ stream }) => stream),
    ping: () =>
      withStatus(async () => {
        const answer = await transport.ping({ select: true })
        if (!answer.success) throw answer.error
        return answer
      }).catch((error: Error) => ({ success: false, error })),
    close: () => {
      closed.add(transport)
      return transport.close()
    },
    hosts,
    onAnotherHost: (asks) => void (check = asks),
    as: (other) => openClient(other, settings, limits, hosts, transport),
  }
}

/** Unlike lines of rows, JSON says where it ends: something in between may have cut it off without a sign. */
function documentOf<Row>(said: string): ResponseJSON<Row> {
  try {
    const found = JSON.parse(said) as ResponseJSON<Row>
    if (found.data.every((row) => typeof row === 'object' && row !== null)) return found
  } catch (error) {
    if (said.includes('DB::Exception')) throw errorInBody(said.slice(-TAIL_BYTES))
    if (error instanceof SyntaxError && said.startsWith('{'))
      throw Object.assign(new Error('the answer breaks off'), { code: 'ECONNABORTED' })
  }
  // What is no row comes from something that is no ClickHouse, or that changes its answers.
  throw new Error('the answer is none to the question: its rows are no rows')
}

type Bindable = {
  readonly query: string
  readonly query_id?: string | undefined
  readonly clickhouse_settings?: ClickHouseSettings | undefined
  readonly query_params?: Record<string, unknown> | undefined
}

/** The package escapes every string once more; what travels beside the settings arrives as it is. */
function withBoundTexts<Params extends Bindable>(statement: Params): Params {
  const settings: ClickHouseSettings = { ...statement.clickhouse_settings }
  const query_params: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(statement.query_params ?? {}))
    if (value instanceof BoundText) settings[`param_${name}`] = value.text
    else query_params[name] = value
  return { ...statement, query_params, clickhouse_settings: settings }
}

/** Nobody waits for a question that was cut off by closing: asked again, it would keep the process alive until it is answered. */
const closed = new WeakSet<Transport>()

const wire = replaceable(overHttp)

export const replaceTransport = wire.replace
