// Owns the answers: each path is a command that only reads, asked anew. Its parameters are that command's flags.
import { openServers } from '../../clickhouse/servers.ts'
import { BackfillError, EXIT, usageError } from '../../model/errors.ts'
import type { Context } from '../../session/session.ts'
import { exitCodeOf } from '../../terminal/render/error.ts'
import { errorDocument } from '../../terminal/render/json.ts'
import { type Connections, openWorkspaceOn, type Session } from '../../workspace/open.ts'
import { assertPositions } from '../../workspace/run-options.ts'
import { blockNumber, type Flags, readFlag, selectors, typedWords } from '../../workspace/values.ts'
import { readPage } from '../report/command.ts'
import { healthFields, readHealth } from '../status/command.ts'
import { readMetrics } from '../status/metrics-of.ts'
import { readTolerances } from '../status/verdict.ts'
import { status } from '../status/status.ts'
import { readinessFields } from '../wait/command.ts'
import { type Answer, type Answering, LIMITS, refusal } from './server.ts'

type Question = {
  /** Of the network that is asked about. */
  readonly context: Context
  readonly connections: Connections
  readonly flags: Flags
  readonly inside: <T>(use: (session: Session) => Promise<T>) => Promise<T>
}

type Route = {
  readonly parameters: readonly string[]
  /** The parameter without which there is no answer, as a request writes it. */
  readonly needs?: `${string}=${string}`
  /** It is about all networks that are served. */
  readonly isOfAll?: true
  readonly answer: (question: Question) => Promise<Answer>
}

const CHOICE = ['network', 'tables', 'exclude']

const ROUTES: Readonly<Record<string, Route>> = {
  '/': {
    parameters: [],
    isOfAll: true,
    async answer({ context, connections }) {
      const { html, policy } = await readPage(context, connections, true)
      return { status: 200, type: 'text/html', body: html, policy }
    },
  },
  '/status.json': {
    parameters: CHOICE,
    answer: ({ context, inside }) =>
      inside(async (session) => {
        const health = await readHealth(session, context.config.lag.value)
        return json(context, 200, { command: 'status', ...healthFields(health) })
      }),
  },
  '/check': {
    parameters: [...CHOICE, 'max-behind', 'max-incomplete-age', 'max-lost', 'max-source-age'],
    answer: ({ context, flags, inside }) => {
      const tolerances = readTolerances(new Map([...flags, ...typedWords({ check: '' })]))
      return inside(async (session) => {
        const health = await readHealth(session, context.config.lag.value, tolerances)
        const code = health.verdict?.exit === EXIT.ok ? 200 : 503
        return json(context, code, { command: 'status', ...healthFields(health) })
      })
    },
  },
  '/readyz': {
    parameters: [...CHOICE, 'to'],
    needs: 'to=<block>',
    answer: ({ context, flags, inside }) => {
      const to = readFlag(flags, 'to', blockNumber)!
      return inside(async ({ workspace }) => {
        assertPositions(workspace.chosen, flags)
        const report = await status(workspace, { lag: context.config.lag.value })
        const ready = readinessFields(report, to, context.output.carry)
        return json(context, ready.ready ? 200 : 503, { command: 'wait', ...ready })
      })
    },
  },
  '/metrics': {
    parameters: [],
    isOfAll: true,
    async answer({ context, connections }) {
      const lines = await readMetrics(context, connections)
      return {
        status: 200,
        type: 'text/plain; version=0.0.4',
        body: `${lines.map(context.output.carry).join('\n')}\n`,
      }
    },
  },
  '/healthz': {
    parameters: [],
    isOfAll: true,
    async answer({ connections }) {
      await (await openServers(connections)).close()
      return { status: 200, type: 'text/plain', body: 'ClickHouse answers\n' }
    },
  },
}

/** Answers questions about the tables of the typed flags. */
export function answersFor(context: Context, connections: Connections): Answering {
  const share = sharedReads<Answer>(LIMITS.questions)
  return (path, query) => {
    const route = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined
    if (route === undefined)
      return Promise.resolve(refusal(404, `there are ${Object.keys(ROUTES).join(' ')}`))
    query.sort()
    return share(`${path}?${query.toString()}`, () => answer(path, route, query))
  }

  async function answer(path: string, route: Route, query: URLSearchParams): Promise<Answer> {
    let isTheirs = true
    try {
      const unknown = [...query.keys()].find((name) => !route.parameters.includes(name))
      if (unknown !== undefined) throw usageError(`unknown parameter ${unknown}`)
      // As for a flag: which of the two was meant?
      const twice = [...query.keys()].find((name) => query.getAll(name).length > 1)
      if (twice !== undefined) throw usageError(`parameter ${twice} is given twice`, 'give it once')
      const { needs } = route
      if (needs !== undefined && !query.has(needs.split('=')[0]!))
        throw usageError(`${path} needs ${needs}, the last block that the tables must have`)
      const of = route.isOfAll ? context : networkOf(context, query.get('network'))
      isTheirs = query.size > 0
      const flags = new Map([...context.flags, ...typedWords(Object.fromEntries(query))])
      const inside = <T>(use: (session: Session) => Promise<T>) =>
        openWorkspaceOn(connections, of.config, selectors(flags), use)
      return await route.answer({ context: of, connections, flags, inside })
    } catch (error) {
      const isUsage = error instanceof BackfillError && error.kind === 'usage'
      return json(context, isUsage && isTheirs ? 400 : 503, {
        command: null,
        ...errorDocument(error, exitCodeOf(error)),
      })
    }
  }
}

function networkOf(context: Context, name: string | null): Context {
  const { each = [context] } = context
  const found =
    name === null && each.length === 1 ? context : each.find(({ config }) => config.network.value === name)
  if (found !== undefined) return found
  const served = each.map(({ config }) => config.network.value).join(', ')
  throw usageError(
    name === null
      ? `name one of the networks that are served, network=<name>: ${served}`
      : `network ${name} is not served: ${served}`,
  )
}

function json({ output }: Context, code: number, data: object): Answer {
  return { status: code, type: 'application/json', body: `${output.document(data)}\n` }
}

/** Shares an answer under way; undefined if `most` others are. Nothing is kept: who asks later gets a new one. */
export function sharedReads<T>(most: number) {
  const underWay = new Map<string, Promise<T>>()
  return (key: string, read: () => Promise<T>): Promise<T> | undefined => {
    const found = underWay.get(key)
    if (found !== undefined) return found
    if (underWay.size >= most) return undefined
    const started = read().finally(() => underWay.delete(key))
    underWay.set(key, started)
    return started
  }
}
