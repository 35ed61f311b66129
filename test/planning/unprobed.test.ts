// Owns what counts as not looked at, where a look ends after so many rows.
import { expect, test } from 'vitest'
import type { Range } from '../../src/model/blocks.ts'
import { NOTHING_FOUND, type Probe } from '../../src/planning/probe.ts'
import { probeAll } from '../../src/planning/probe-missing.ts'
import type { TableStatus } from '../../src/planning/table-status.ts'

const MISSING: Range = { from: 0, to: 99 }

function status(key: string, after: readonly string[]) {
  const table = { key, after, sources: [`source_of_${key}`], unit: 'block' }
  return [
    key,
    { table, missing: [MISSING], bounds: { inputs: {}, limits: {} } } as unknown as TableStatus,
  ] as const
}

/** Windows of ten blocks with ten rows; the input's blocks from 50 on are incomplete. */
const probe = Object.assign(
  async ({ key }: TableStatus['table'], blocks: readonly Range[]) => ({
    ...NOTHING_FOUND,
    runnable: key === 'input' && blocks[0]!.from >= 50 ? [] : blocks,
    incomplete: key === 'input' && blocks[0]!.from >= 50 ? blocks : [],
    rowEstimates: key === 'input' ? [] : blocks.map((range) => ({ ...range, rows: 10 })),
    buckets: new Map(),
  }),
  { next: async (_: unknown, [first]: readonly Range[]) => [{ from: first!.from, to: first!.from + 9 }] },
) as unknown as Probe

test('blocks that an input cannot give count as looked at, also where the own sources were not', async () => {
  const statuses = new Map([status('input', []), status('dependant', ['input'])])
  const found = await probeAll(statuses, probe, 20)
  expect(found.get('dependant')).toMatchObject({
    incomplete: [{ from: 50, to: 99 }],
    unprobed: [{ from: 20, to: 49 }],
  })
})
