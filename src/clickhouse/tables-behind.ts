// Owns which tables a read of a table ends at (what views select from; what Merge, Alias, Distributed and Buffer stand for), and the
// refusal of sources that ignore FINAL there, or lack columns that are read.
import { BackfillError, attempt, usageError } from '../model/errors.ts'
import { distributedEngine } from '../sql-syntax/ddl-clauses.ts'
import { significantTokens, unquoted, isKeyword, isName, type Token } from '../sql-syntax/lexer.ts'
import { tableReads, beginsTable } from '../sql-syntax/table-refs.ts'
import type { Server } from './server.ts'
import type { SqlText } from '../model/model.ts'

/** Engines that keep no rows of their own, or those of the last seconds. */
const FRONTS: readonly string[] = ['View', 'Merge', 'Alias', 'Distributed', 'Buffer']

type Place = {
  /** The table that was asked about: the first of the tables behind it is the table itself. */
  readonly source: string
  /** The cluster on whose shards it is; '' for the connected server. */
  readonly cluster: string
  readonly database: string
  readonly name: string
}

/** `definition`: its CREATE TABLE; `behind`: what it reads in its place. */
export type TableBehind = Place &
  Omit<Row, 'engine_full'> & {
    readonly engineFull: string
    readonly behind: readonly Omit<Place, 'source'>[]
  }

type Row = Pick<Place, 'database' | 'name'> &
  Readonly<Record<'engine' | 'engine_full' | 'definition', string>>

/** Views over views over views: deeper is not looked. */
const MOST_LEVELS = 8

/** The tables of the connection's database, and all that stand behind them, as far as the user may see them. @throws BackfillError `server` */
export async function tablesBehind(
  server: Pick<Server, 'client' | 'connection'>,
  sources: readonly string[],
): Promise<readonly TableBehind[]> {
  const { database } = server.connection
  const found = new Map<string, TableBehind>()
  let wanted: readonly Place[] = sources.map((name) => ({ source: name, cluster: '', database, name }))
  for (let level = 0; wanted.length > 0 && level < MOST_LEVELS; level++) {
    const next: Place[] = []
    for (const [cluster, places] of Map.groupBy(wanted, (place) => place.cluster)) {
      const names = places.map((place) => [place.database, place.name])
      for (const row of await ask(server, cluster, OF_NAMES, { names })) {
        const reads = await readBy(server, cluster, row)
        for (const place of places) {
          if (place.database !== row.database || place.name !== row.name) continue
          const { engine_full: engineFull, ...own } = row
          found.set(keyOf(place), { ...place, ...own, engineFull, behind: reads })
          next.push(...reads.map((read) => ({ ...read, source: place.source })))
        }
      }
    }
    wanted = next.filter((place) => !found.has(keyOf(place)))
  }
  return [...found.values()]
}

const keyOf = ({ source, cluster, database, name }: Place) =>
  JSON.stringify([source, cluster, database, name])

async function readBy(
  server: Pick<Server, 'client'>,
  cluster: string,
  { database: own, name: self, engine, engine_full: full, definition }: Row,
): Promise<readonly Omit<Place, 'source'>[]> {
  const there = (database: string, name: string) => ({ cluster, database, name })
  if (engine === 'View') {
    // What cannot be read says nothing; whoever judges the view itself says so.
    const reads = attempt(ignore, () => tableReads({ file: self, text: definition, line: 1 })) ?? []
    return reads.map(({ database = own, table }) => there(database, table))
  }
  const shards = distributedEngine(full)
  if (shards) return [{ cluster: shards.cluster, database: shards.database, name: shards.table }]
  if (!['Alias', 'Merge', 'Buffer'].includes(engine)) return []
  const tokens = significantTokens({ file: self, text: full, line: 1 })
  const texts = tokens.filter(({ kind }) => kind === 'string').map(unquoted)
  if (engine === 'Buffer') return [there(texts[0] || own, texts[1] ?? '')]
  const [database, name] = [texts.at(-2) ?? own, texts.at(-1) ?? '']
  // `Alias('db.table')`, or a table of that name.
  const [first, ...rest] = name.split('.')
  if (engine === 'Alias' && texts.length === 1 && rest.length > 0)
    return [there(own, name), there(first!, rest.join('.'))]
  if (engine === 'Alias') return [there(database, name)]
  const pattern = tokens[2]?.text === 'REGEXP' ? OF_PATTERNS : OF_PATTERN
  const merged = await ask(server, cluster, pattern, { database, name })
  return merged.map((row) => there(row.database, row.name))
}

const ignore = (): void => {}

const OF_NAMES = 'has({names:Array(Array(String))}, [database, name])'
const OF_PATTERN = 'database = {database:String} AND match(name, {name:String})'
const OF_PATTERNS = 'match(database, {database:String}) AND match(name, {name:String})'

/** On a cluster one replica of each shard is asked; nothing is found there if the user may not. */
async function ask(
  { client }: Pick<Server, 'client'>,
  cluster: string,
  where: string,
  values: Readonly<Record<string, unknown>>,
): Promise<readonly Row[]> {
  const tables = cluster === '' ? 'system.tables' : 'cluster({cluster:String}, system.tables)'
  return await client
    .rows<Row>({
      query: `SELECT database, name, engine, engine_full, create_table_query AS definition FROM ${tables}
        WHERE ${where} ORDER BY database, name LIMIT 1 BY database, name`,
      query_params: { ...values, cluster },
      doing: 'looking at what stands behind the sources',
    })
    .catch((error: unknown) => {
      if (cluster !== '' && error instanceof BackfillError) return []
      throw error
    })
}

/**
 * The sources that are plain views or Buffer tables, or end at some (through Merge, Alias, Distributed, other views): ClickHouse ignores
 * FINAL there. A view whose definition reads with FINAL is safe. `all`: of `tablesBehind`.
 */
export function viewProblems(
  server: Pick<Server, 'connection'>,
  all: readonly TableBehind[],
): readonly { readonly source: string; readonly sentence: string; readonly hint: string }[] {
  const views = all.filter(
    ({ engine, name, definition }) =>
      engine === 'Buffer' || (engine === 'View' && !readsFinal({ file: name, text: definition, line: 1 })),
  )
  return views.map(({ source, database, name, engine }) => {
    const [own, view] = [`${server.connection.database}.${source}`, `${database}.${name}`]
    const [what, instead] =
      engine === 'Buffer'
        ? [
            `${own === view ? 'is' : `reads ${view},`} a Buffer, whose rows FINAL does not merge with those of the table behind it`,
            'read the table behind it',
          ]
        : [
            `${own === view ? 'is a view that' : `reads the view ${view}, which`} reads without FINAL, and ClickHouse ignores FINAL on a view`,
            'read with FINAL in the definition of the view',
          ]
    return {
      source,
      sentence: `the source ${own} ${what}: rows that were written again would count twice`,
      hint: `${instead}; if none of its rows is ever written again, write --! view: safe above the CREATE TABLE in sql/source/`,
    }
  })
}

/** Whether each table in the definition, as the server writes it, is read with FINAL: none by a table function or behind a comma. */
export function readsFinal(definition: SqlText): boolean {
  const tokens = significantTokens(definition)
  const reads = tableReads(definition)
  return (
    reads.length > 0 &&
    reads.every(({ to }) => isKeyword(tokens[isKeyword(tokens[to], 'AS') ? to + 2 : to], 'FINAL')) &&
    !tokens.some(
      (_, at) => beginsTable(tokens, at) && (isFunction(tokens, at + 1) || hasComma(tokens, at)),
    ) &&
    // `IN t` reads a table, too.
    !tokens.some(
      (token, at) => isKeyword(token, 'IN') && isName(tokens[at + 1]) && !isFunction(tokens, at + 1),
    )
  )
}

const isFunction = (tokens: readonly Token[], at: number) =>
  isName(tokens[at]) && tokens[at + 1]?.text === '('

function hasComma(tokens: readonly Token[], from: number): boolean {
  const { depth } = tokens[from]!
  for (const token of tokens.slice(from + 1)) {
    if (token.depth < depth || (token.depth === depth && isKeyword(token, ...AFTER_TABLES))) return false
    if (token.depth === depth && token.text === ',') return true
  }
  return false
}

const AFTER_TABLES =
  'ARRAY PREWHERE WHERE GROUP HAVING WINDOW QUALIFY ORDER LIMIT SETTINGS UNION INTERSECT EXCEPT'.split(' ')

/**
 * @param probed of each source, the columns by which missing blocks are found
 * @returns what stands behind the sources that stand for other tables, as `tablesBehind`
 * @throws BackfillError `usage` for the first of the sources that is such a view, or that lacks such a column
 */
export async function assertReadable(
  server: Server,
  probed: ReadonlyMap<string, readonly string[]>,
): Promise<readonly TableBehind[]> {
  const { database } = server.connection
  const sources = [...probed.keys()]
  // Those that may be a problem alone: the profile of a user may limit the rows of an answer.
  const found = await server.client.rows<{ name: string; lacking: readonly string[] }>({
    query: `SELECT name, arrayFilter(column -> NOT has(columns, column), {probed:Array(Array(String))}[indexOf({sources:Array(String)}, name)]) AS lacking
      FROM (SELECT name, engine FROM system.tables
        WHERE database = {database:String} AND name IN {sources:Array(String)}) AS tables
      INNER JOIN (SELECT table, groupArray(name) AS columns FROM system.columns
        WHERE database = {database:String} AND table IN {sources:Array(String)} GROUP BY table) AS readable
      ON tables.name = readable.table
      WHERE has({fronts:Array(String)}, engine) OR lacking != []`,
    query_params: { database, sources, probed: [...probed.values()], fronts: FRONTS },
    doing: 'looking at the sources',
  })
  const unfit = found.find(({ lacking }) => lacking.length > 0)
  if (unfit !== undefined)
    throw usageError(
      `the source ${database}.${unfit.name} has no column ${unfit.lacking.join(', ')}, by which missing blocks are found; or user '${server.connection.username}' may not read it`,
      'read another table, or a view of it with these columns; or write what it has in its file in sql/source/: --! position, --! network, --! written',
    )
  const behind = await tablesBehind(
    server,
    found.map(({ name }) => name),
  )
  const [problem] = viewProblems(server, behind)
  if (problem !== undefined) throw usageError(problem.sentence, problem.hint)
  return behind
}
