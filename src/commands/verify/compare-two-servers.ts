// Owns the comparison by key if the transform is computed on one server and the table is on another.
import type { DifferenceKind, Sums } from './report.ts'
import { differencesOf, type JoinedRow, joinedColumns } from './compare-join.ts'
import {
  EXAMPLES,
  type KeyDifferences,
  type Question,
  SUMS,
  type SumsRow,
  sumsOf,
} from './compare-question.ts'

/** Number of buckets that keys fall into by their hash, and the limit of differing buckets that are compared by key. */
const BUCKETS = 4096
const BUCKETS_LOOKED_AT = 64

type Bucket = { readonly bucket: number; readonly rows: number; readonly hash: string }
type KeyRow = { readonly key: string; readonly hash: string }

/**
 * Finds differing keys: each server counts and sums its rows by bucket of the key space; the keys of differing buckets
 * are compared here.
 */
export async function keysByBuckets({ ask, reader, target, sides }: Question): Promise<KeyDifferences> {
  const bucket = `sipHash64(backfill_key) % ${BUCKETS}`
  const both = async <Row>(statement: (side: string) => string, params = {}) =>
    await Promise.all([
      ask<Row>(reader, statement(sides.recomputed), params),
      ask<Row>(target, statement(sides.stored), params),
    ])
  const [recomputed, stored] = await both<Bucket>(
    (side) =>
      `SELECT ${bucket} AS bucket, count() AS rows, toString(sum(backfill_hash)) AS hash FROM (${side}) GROUP BY bucket`,
  )
  const differing = differingBuckets(recomputed, stored)
  const buckets = differing.slice(0, BUCKETS_LOOKED_AT)
  const [ours, theirs] = await both<KeyRow>(
    (side) =>
      `SELECT hex(backfill_key) AS key, toString(backfill_hash) AS hash FROM (${side}) WHERE has({buckets:Array(UInt64)}, ${bucket})`,
    { buckets },
  )
  return { ...compareKeys(ours, theirs), atLeast: differing.length > buckets.length }
}

function differingBuckets(ours: readonly Bucket[], theirs: readonly Bucket[]): readonly number[] {
  const text = ({ rows, hash }: Bucket) => `${rows} ${hash}`
  const left = new Map(theirs.map((one) => [one.bucket, text(one)]))
  const differing = ours.filter((one) => {
    const same = left.get(one.bucket) === text(one)
    if (same) left.delete(one.bucket)
    return !same
  })
  return [...new Set([...differing.map(({ bucket }) => bucket), ...left.keys()])].toSorted((a, b) => a - b)
}

function compareKeys(ours: readonly KeyRow[], theirs: readonly KeyRow[]): Omit<KeyDifferences, 'atLeast'> {
  const stored = Map.groupBy(theirs, ({ key }) => key)
  const recomputed = Map.groupBy(ours, ({ key }) => key)
  const hashes = (rows: readonly KeyRow[] | undefined) =>
    (rows ?? [])
      .map(({ hash }) => hash)
      .toSorted()
      .join()
  const kindOf = (key: string): DifferenceKind | undefined => {
    if (!stored.has(key)) return 'missing'
    if (!recomputed.has(key)) return 'unexpected'
    return hashes(stored.get(key)) === hashes(recomputed.get(key)) ? undefined : 'different'
  }
  const byKind = Map.groupBy(new Set([...recomputed.keys(), ...stored.keys()]), kindOf)
  const of = (kind: DifferenceKind) => byKind.get(kind) ?? []
  return {
    counts: {
      missing: of('missing').length,
      unexpected: of('unexpected').length,
      different: of('different').length,
      behind: 0,
    },
    keys: (['missing', 'unexpected', 'different'] as const).flatMap((kind) =>
      of(kind)
        .slice(0, EXAMPLES)
        .map((key) => ({ kind, key })),
    ),
  }
}

/** Keys sent to the target in one statement, as part of its text: 60 bytes each. */
const KEYS_PER_STATEMENT = 100_000

type Line = { readonly part: number; readonly line: string }

/**
 * For a `per-key` table: the keys of the range are sent to the target in parts, inside SELECTs, because a temporary
 * table would be a write. Each part reads the whole table.
 */
export async function keysBehind({
  ask,
  reader,
  target,
  sides,
  table,
}: Question): Promise<KeyDifferences & { readonly recomputed: Sums }> {
  const [sums] = await ask<SumsRow>(reader, `SELECT ${SUMS} FROM (${sides.recomputed})`)
  const recomputed = sumsOf(sums)
  const parts = Math.max(1, Math.ceil(recomputed.rows / KEYS_PER_STATEMENT))
  const part = `sipHash64(backfill_key) % ${parts}`
  const lines = await ask<Line>(
    reader,
    `SELECT ${part} AS part,
      concat(hex(backfill_key), '\\t', toString(backfill_position), '\\t', toString(backfill_hash)) AS line
    FROM (${sides.recomputed})`,
  )
  const byPart = Map.groupBy(lines, (one) => one.part)
  const rows: JoinedRow[] = []
  for (let number = 0; number < parts; number++) {
    const text = (byPart.get(number) ?? []).map(({ line }) => `${line}\n`).join('')
    rows.push(
      ...(await ask<JoinedRow>(
        target,
        `SELECT ${joinedColumns(table.rows)}
        FROM (
          SELECT 1 AS here, backfill_key, backfill_position, backfill_hash
          FROM (${sides.stored}) WHERE ${part} = ${number}
        ) AS s
        FULL OUTER JOIN (
          SELECT 1 AS here, CAST(unhex(k) AS FixedString(16)) AS backfill_key, p AS backfill_position, h AS backfill_hash
          FROM ${text === '' ? noLines(sides.positionType) : `format(TSV, {backfill_structure:String}, ${textLiteral(text)})`}
        ) AS r ON s.backfill_key = r.backfill_key`,
        { backfill_structure: `k String, p ${sides.positionType}, h UInt64` },
      )),
    )
  }
  return { recomputed, ...differencesOf(rows) }
}

/** format() of an empty text has no columns. */
function noLines(positionType: string): string {
  return `(SELECT '' AS k, CAST(defaultValueOfTypeName(${textLiteral(positionType)}) AS ${positionType}) AS p, toUInt64(0) AS h WHERE false)`
}

/** A string literal: format() needs a literal, and a parameter would have to fit into the URL. */
function textLiteral(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
