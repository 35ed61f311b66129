// Owns what people ask of runs that are going: pauses and limits, in a table of the ledger's database, and which hold now.
import type { Server } from '../clickhouse/server.ts'
import type { WritingPlace } from './events.ts'
import type { HeldBack } from './run-reports.ts'
import { unlessMissing } from '../clickhouse/server-error.ts'
import { programSql } from '../package-folder.ts'
import { identity, person } from '../seam/process.ts'

export type Hold = {
  /** Besides what people say: why a run holds itself back, or is held back. */
  readonly action: 'pause' | 'limit' | HeldBack
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
  /** Of a run: what it has found, in words. */
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
      const ofRuns = programSql('ledger/steering/held-back')
      const both = `SELECT *, NULL AS found FROM (${ofPeople}\n)\nUNION ALL SELECT * FROM (${ofRuns}\n)\nORDER BY action DESC, \`table\``
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
export function holdText(hold: Hold): string {
  const { action, jobs, by, host, since, until, spares, found } = hold
  if (isOfRun(hold)) return `${found} (run of ${by} on ${host}, as of ${minute(since)})`
  const what = action === 'pause' ? 'paused' : `limited to ${jobs} at once`
  const end = until === null ? '' : `, until ${minute(until)}`
  return `${what} by ${by} on ${host} since ${minute(since)}${end}${spares.length === 0 ? '' : `, but for ${spares.join(', ')}`}`
}

/** Whether a run itself says so, not a person. */
export function isOfRun<One extends Hold>(hold: One): hold is One & { readonly action: HeldBack } {
  return hold.action !== 'pause' && hold.action !== 'limit'
}

/** A hold because of which nothing starts. */
export function isStop({ action }: Hold): boolean {
  return action !== 'limit'
}

const minute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`
