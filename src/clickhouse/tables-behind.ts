// Owns which tables a read of a table ends at: what views select from; what materialized views, Merge, Alias, Distributed and Buffer stand for.
import { BackfillError, attempt, ignore } from '../model/errors.ts'
import { distributedEngine } from '../sql-syntax/ddl-clauses.ts'
import { significantTokens, unquoted, isKeyword } from '../sql-syntax/lexer.ts'
import { tableReads } from '../sql-syntax/table-refs.ts'
import { ANSWERING } from './cluster/replicas.ts'
import type { Server } from './server.ts'

/** Engines that keep no rows of their own, or those of the last seconds. */
export const FRONTS: readonly string[] = [
  'View',
  'MaterializedView',
  'Merge',
  'Alias',
  'Distributed',
  'Buffer',
]

type Place = {
  /** The table that was asked about: the first of the tables behind it is the table itself. */
  readonly source: string
  /** The cluster on whose shards it is; '' for the connected server. */
  readonly cluster: string
  readonly database: string
  readonly name: string
  /** The user as whom a view (SQL SECURITY DEFINER) reads it; '' for the connected user. */
  readonly reader: string
}

/** `definition`: its CREATE TABLE; `behind`: what it reads in its place. */
export type TableBehind = Place & Row & { readonly behind: readonly Omit<Place, 'source' | 'reader'>[] }

type Row = Pick<Place, 'database' | 'name'> &
  Readonly<Record<'engine' | 'engineFull' | 'definition', string>> & {
    /** How many tables of this name the nodes of the cluster have that are not the same. */
    readonly variants: number
  }

/** CREATE MATERIALIZED VIEW database.name TO: one without has a table of its own, whose name nobody else knows. */
const MOST_BEFORE_TO = 7

/** Views over views over views: deeper is not looked. */
const MOST_LEVELS = 8

/** The tables of the connection's database, and all that stand behind them, as far as the user may see them. @throws BackfillError `server` */
export async function tablesBehind(
  server: Pick<Server, 'client' | 'connection'>,
  sources: readonly string[],
): Promise<readonly TableBehind[]> {
  const { database } = server.connection
  const found = new Map<string, TableBehind>()
  let wanted: readonly Place[] = sources.map((name) => ({
    source: name,
    cluster: '',
    database,
    name,
    reader: '',
  }))
  for (let level = 0; wanted.length > 0 && level < MOST_LEVELS; level++) {
    const next: Place[] = []
    for (const [cluster, places] of Map.groupBy(wanted, (place) => place.cluster)) {
      const names = places.map((place) => [place.database, place.name])
      for (const row of await ask(server, cluster, OF_NAMES, { names })) {
        const reads = await readBy(server, cluster, row)
        const definer = definerOf(row)
        for (const place of places) {
          if (place.database !== row.database || place.name !== row.name) continue
          const { source, reader } = place
          found.set(keyOf(place), { ...place, ...row, behind: reads })
          next.push(...reads.map((read) => ({ ...read, source, reader: definer ?? reader })))
        }
      }
    }
    wanted = next.filter((place) => !found.has(keyOf(place)))
  }
  return [...found.values()]
}

const keyOf = ({ source, cluster, database, name, reader }: Place) =>
  JSON.stringify([source, cluster, database, name, reader])

/** Of a view that reads as the user who defined it. A materialized view reads its own table, without any policy. */
function definerOf({ engine, name, definition }: Row): string | undefined {
  if (engine !== 'View') return undefined
  const tokens = significantTokens({ file: name, text: definition, line: 1 })
  const at = tokens.findIndex(
    (token, index) => isKeyword(token, 'DEFINER') && tokens[index + 1]?.text === '=',
  )
  const isDefiner = tokens
    .slice(at, at + WORDS_OF_DEFINER)
    .some((token, index, near) => isKeyword(token, 'SECURITY') && isKeyword(near[index + 1], 'DEFINER'))
  return at !== -1 && isDefiner ? unquoted(tokens[at + 2]!) : undefined
}

/** DEFINER = name SQL SECURITY DEFINER */
const WORDS_OF_DEFINER = 6

async function readBy(
  server: Pick<Server, 'client'>,
  cluster: string,
  { database: own, name: self, engine, engineFull: full, definition }: Row,
): Promise<readonly Omit<Place, 'source' | 'reader'>[]> {
  const there = (database: string, name: string) => ({ cluster, database, name })
  if (engine === 'View') {
    // What cannot be read says nothing; whoever judges the view itself says so.
    const reads = attempt(ignore, () => tableReads({ file: self, text: definition, line: 1 })) ?? []
    return reads.map(({ database = own, table }) => there(database, table))
  }
  if (engine === 'MaterializedView') {
    const tokens = significantTokens({ file: self, text: definition, line: 1 })
    const to = tokens.slice(0, MOST_BEFORE_TO).findIndex((token) => isKeyword(token, 'TO'))
    const [first, dot, second] = to === -1 ? [] : tokens.slice(to + 1)
    if (first === undefined) return []
    return [dot?.text === '.' ? there(unquoted(first), unquoted(second!)) : there(own, unquoted(first))]
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

const OF_NAMES = 'has({names:Array(Array(String))}, [database, name])'
const OF_PATTERN = 'database = {database:String} AND match(name, {name:String})'
const OF_PATTERNS = 'match(database, {database:String}) AND match(name, {name:String})'

/** On a cluster all nodes that answer are asked; nothing is found there if the user may not. */
async function ask(
  { client }: Pick<Server, 'client'>,
  cluster: string,
  where: string,
  values: Readonly<Record<string, unknown>>,
): Promise<readonly Row[]> {
  const tables = cluster === '' ? 'system.tables' : 'clusterAllReplicas({cluster:String}, system.tables)'
  return await client
    .rows<Row>({
      query: `SELECT database, name, one.1 AS engine, one.2 AS engineFull, one.3 AS definition, variants FROM (
          SELECT database, name, any((engine, engine_full, create_table_query)) AS one,
            toUInt32(uniqExact(engine, sorting_key, as_select, if(has({fronts:Array(String)}, engine), engine_full, ''))) AS variants
          FROM ${tables} WHERE ${where} GROUP BY database, name)
        ORDER BY database, name`,
      query_params: { ...values, cluster, fronts: FRONTS },
      clickhouse_settings: cluster === '' ? {} : ANSWERING,
      doing: 'looking at what stands behind the sources',
    })
    .catch((error: unknown) => {
      if (cluster !== '' && error instanceof BackfillError) return []
      throw error
    })
}
