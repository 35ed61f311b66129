// Owns what people ask of runs that are going: pauses and limits, in a table of the ledger's database, and which hold now.
import type { Server } from '../clickhouse/server.ts'
import type { WritingPlace } from './events.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import { programSql } from '../package-folder.ts'
import { identity, person } from '../seam/process.ts'

export type Hold = {
  /** `load`: a run holds itself back, because of --max-load. */
  readonly action: 'pause' | 'limit' | 'load'
  /** Table key; '': all tables, but those of `spares`, which were resumed since. */
  readonly table: string
  readonly spares: readonly string[]
  /** Of a limit: statements at the same time, of the table or over all. */
  readonly jobs: number
  readonly by: string
  readonly host: string
  /** Server time, ISO 8601 UTC; `until` null: until somebody resumes. */
  readonly since: string
  readonly until: string | null
  /** Of `load`: what was found, in words. */
  readonly found?: string | null
}

export type SteeringPort = ReturnType<typeof openSteering>

/** `watching`: a connection that does not queue behind chunks. */
export function openSteering(watching: Server, { server, names, network, toolVersion }: WritingPlace) {
  const params = { ledger: names.ledger, network }
  const ask = async (query: string, doing: string): Promise<readonly Hold[]> =>
    await watching.client.rows<Hold>({ query, query_params: params, doing })
  const ofPeople = programSql('ledger/steering/holds')
  const read = async () => await ask(ofPeople, 'reading who steers').catch(unlessMissing([]))
  return {
    /** What people hold back now. Nobody has steered a ledger that lacks the table. @throws BackfillError `server` */
    read,

    /** And the tables of runs that load holds back, which the ledger of an older version does not know. @throws BackfillError `server` */
    async readAll(): Promise<readonly Hold[]> {
      const ofLoad = programSql('ledger/steering/loads')
      const both = `SELECT *, NULL AS found FROM (${ofPeople}\n)\nUNION ALL SELECT * FROM (${ofLoad}\n)\nORDER BY action DESC, \`table\``
      return (
        (await ask(both, 'reading what holds runs back').catch(unlessMissing(undefined))) ?? (await read())
      )
    },

    /** Appends an order for tables by key, [''] for all. @throws BackfillError naming the GRANT if the user may not */
    give: async (action: 'pause' | 'limit' | 'resume', tables: readonly string[], jobs = 0, until?: Date) =>
      await server.client.command({
        query: programSql('ledger/steering/give'),
        query_params: {
          ...params,
          action,
          tables,
          jobs,
          until: Math.round((until?.getTime() ?? 0) / 1000),
          person: person(),
          host: identity().host,
          toolVersion,
        },
        doing: `recording '${action}'`,
      }),
  }
}

export function concerns({ table, spares }: Hold, key: string): boolean {
  return table === key || (table === '' && !spares.includes(key))
}

/** `paused by ana on ops1 since 2026-11-26 14:03 UTC, until 2026-11-26 18:00 UTC, but for address_diffs`. */
export function holdText({ action, jobs, by, host, since, until, spares, found }: Hold): string {
  if (action === 'load') return `${found} (run of ${by} on ${host}, as of ${minute(since)})`
  const what = action === 'pause' ? 'paused' : `limited to ${jobs} at once`
  const end = until === null ? '' : `, until ${minute(until)}`
  return `${what} by ${by} on ${host} since ${minute(since)}${end}${spares.length === 0 ? '' : `, but for ${spares.join(', ')}`}`
}

/** A hold because of which nothing starts. */
export function isStop({ action }: Hold): boolean {
  return action !== 'limit'
}

const minute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`
