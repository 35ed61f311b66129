// Owns the judgement of free disk, by what the tables have.
import { type Diagnosis, verdicts } from './finding.ts'
import { nameOf, type Placed } from './doctor-place.ts'
import { quoteString } from '../../../sql-syntax/quoting.ts'

export type Disk = {
  readonly name: string
  /** Bytes that can be written. */
  readonly free: number
  readonly total: number
  readonly broken: boolean
}

/** Below this a merge of any size fails, and INSERTs soon. */
const LEAST_FREE = 1024 ** 3

export function judgeDisks(
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
    const cure =
      'Free or add disk space; the tables by size: SELECT database, table, formatReadableSize(sum(bytes_on_disk)) FROM system.parts WHERE active GROUP BY ALL ORDER BY sum(bytes_on_disk) DESC'
    if (free < Math.min(LEAST_FREE, total / 20)) return fail(`${found}: INSERTs and merges will fail`, cure)
    if (biggest !== undefined && free < biggest.bytes)
      return warn(
        `${found}, less than ${biggest.name} has (${bytesText(biggest.bytes)}): rebuild, or a merge of it, would not fit`,
        cure,
      )
    if (free < total / 20) return warn(`${found}, less than a twentieth`, cure)
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
