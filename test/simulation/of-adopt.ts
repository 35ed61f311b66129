// Owns what the statements of `adopt` do and answer: which rows are there, and what the ledger knows of an earlier table.
import { assertFence, type Sent, type Statement, targetNamed } from './sent.ts'
import type { LedgerRow, World } from './world.ts'

const blocksOf = (world: World, { params }: Sent): readonly number[] =>
  [...new Set(targetNamed(world, String(params['table'])).rows.map(({ block }) => block))].toSorted(
    (one, other) => one - other,
  )

export const OF_ADOPT: readonly Statement[] = [
  {
    name: 'ends of a table',
    words: ['SELECT toUInt64(min(block_number)) AS "from", toUInt64(max('],
    run(world, sent) {
      const blocks = blocksOf(world, sent)
      return [{ from: blocks[0] ?? 0, to: blocks.at(-1) ?? 0 }]
    },
  },
  {
    name: 'gaps of a table',
    words: ['lagInFrame(at, 1, at)'],
    run(world, sent) {
      const blocks = blocksOf(world, sent)
      const steps = blocks.slice(1).map((block, index) => block - blocks[index]!)
      const usual = steps.toSorted((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0
      return steps.flatMap((step, index) =>
        step > Math.max(usual, 1) ? [{ from: blocks[index]! + 1, to: blocks[index + 1]! - 1 }] : [],
      )
    },
  },
  {
    name: 'earlier table of a key',
    words: ['select toString(target_uuid) as `uuid`, formatDateTime(max(event_time)'],
    run(world, sent) {
      const [key, uuid] = [sent.one('`table_key` = '), sent.one('`target_uuid` != ')]
      const last = world.ledger.findLast((row) => row.table_key === key && row.target_uuid !== uuid)
      return last === undefined ? [] : [{ uuid: last.target_uuid, at: '2030-01-01T00:00:00Z' }]
    },
  },
  {
    name: 'earlier tables of an input',
    words: ['SELECT DISTINCT toString(target_uuid) AS uuid FROM {ledger:Identifier}.ledger'],
    run(world, { params: { key, uuid } }) {
      const rows = world.ledger.filter((row) => row.table_key === key)
      const positions = new Set(rows.filter((row) => row.target_uuid === uuid).map(positionOf))
      const earlier = rows.filter((row) => row.target_uuid !== uuid && positions.has(positionOf(row)))
      return [...new Set(earlier.map((row) => row.target_uuid))].map((one) => ({ uuid: one }))
    },
  },
  {
    name: 'take over events',
    words: ['SELECT * REPLACE (toUUID({to_uuid:String}) AS target_uuid'],
    run(world, sent) {
      assertFence(world, sent)
      const { key, from_uuid: from, to_uuid: to, earlier, present } = sent.params
      const rows = world.ledger.filter(
        (row) => row.table_key === key && row.target_uuid === from && row.event !== 'checkpoint',
      )
      const names = earlier as readonly string[]
      const renamed = (text: string) =>
        names.reduce((all, name, index) => all.replaceAll(name, (present as string[])[index]!), text)
      world.ledger.push(
        ...rows.map((row) => ({ ...row, target_uuid: String(to), inputs: renamed(row.inputs) })),
      )
      return []
    },
  },
]

const positionOf = ({ epoch, seq }: LedgerRow) => `${epoch}.${seq}`
