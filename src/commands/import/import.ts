// Owns what an import does: its tables, its files, those that changed since their import, how its plan looks, and the notes about missing files.
import { knownNames, usageError } from '../../model/errors.ts'
import { firstBlocks, FILE_BLOCKS, type FilesPort } from './files-port.ts'
import { shortName, type TableDefinition } from '../../model/model.ts'
import {
  blockSet,
  type BlockSet,
  countBlocks,
  formatBlockSet,
  intersect,
  type Range,
  subtract,
  union,
  formatRange,
} from '../../model/blocks.ts'
import type { RunEvent } from '../../runner/events.ts'
import { type Colors, count, formatRanges, listOf, size } from '../../terminal/render/format.ts'
import { readTableStatuses, readKnown } from '../../planning/table-status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { ImportTable } from './sql.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { UpHooks } from '../../runner/up.ts'
import { randomId } from '../../seam/random.ts'
import { writeFingerprint } from '../../sources/fingerprint.ts'
import type { ConnectedWorkspace } from '../../workspace/connect.ts'

export function wholeFiles({ from, to }: Range): Range {
  const first = Math.floor(from / FILE_BLOCKS) * FILE_BLOCKS
  return { from: first, to: (Math.floor(to / FILE_BLOCKS) + 1) * FILE_BLOCKS - 1 }
}

function countFiles(blocks: BlockSet): number {
  return countBlocks(blocks) / FILE_BLOCKS
}

/** The tables with these names, with or without `canonical_execution_`, or all. @throws BackfillError `usage` */
export function chooseImports(
  tables: readonly ImportTable[],
  names: readonly string[],
): readonly ImportTable[] {
  const known = tables.map(({ target }) => shortName(target))
  const wanted = names.map(shortName)
  const wrong = wanted.find((name) => !known.includes(name))
  if (wrong !== undefined)
    throw usageError(`unknown source table '${wrong}'`, knownNames('source tables', wrong, known))
  return names.length === 0 ? tables : tables.filter(({ target }) => wanted.includes(shortName(target)))
}

type ImportPlan = Awaited<ReturnType<typeof planImport>>

/** Looks up every file that is not imported yet, or `changed` (by table key). @throws BackfillError */
export async function planImport(
  workspace: Workspace,
  files: FilesPort,
  { range, changed }: { readonly range: Range; readonly changed: ReadonlyMap<string, BlockSet> },
) {
  const tableStatuses = await readTableStatuses(workspace, { lag: 0 })
  const tables = await Promise.all(
    workspace.chosen.map(async ({ key, target: table }) => {
      const { missing, covered, target } = tableStatuses.get(key)!
      const anew = changed.get(key) ?? []
      const wanted = union(missing, anew)
      const looked = wanted
        .flatMap(firstBlocks)
        .map(async (first) => ({ first, facts: await files.look({ table, first }) }))
      const found = (await Promise.all(looked)).filter(({ facts }) => facts !== undefined)
      const there = blockSet(found.map(({ first }) => ({ from: first, to: first + FILE_BLOCKS - 1 })))
      return {
        table: shortName(table),
        target: `${workspace.ports.target.database}.${table}`,
        create: target === undefined,
        /** Blocks of files that are imported, changed since their import, would be imported (`blocks`), or do not exist. */
        done: subtract(intersect(covered, [range]), anew),
        changed: anew,
        files: found.length,
        blocks: there,
        missing: subtract(wanted, there),
        bytes: found.reduce((sum, { facts }) => sum + (facts?.bytes ?? 0), 0),
      }
    }),
  )
  return { network: workspace.network.name, range, tables }
}

export function renderImport({ network, range, tables }: ImportPlan, colors: Colors): readonly string[] {
  const files = tables.reduce((sum, table) => sum + table.files, 0)
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  return [
    `network ${colors.bold(network)}, blocks ${formatRange(range)}`,
    ...tables.flatMap((table) =>
      listOf(
        '',
        `${colors.bold(table.table)}  ${count(table.files, 'file')}, ${size(table.bytes)}, into ${table.target}`,
        table.create && `  ${colors.yellow('the table is created first')}`,
        table.done.length > 0 && `  ${count(countFiles(table.done), 'file')} imported before`,
        table.changed.length > 0 &&
          `  ${colors.yellow(`${count(countFiles(table.changed), 'file')} published again since`)}`,
        table.missing.length > 0 && `  ${colors.yellow(missingText(table.missing))}`,
      ),
    ),
    '',
    files === 0
      ? 'Nothing to do.'
      : `Next: \`backfill import\` fetches ${count(files, 'file')}, ${size(bytes)}. Nothing has been written.`,
  ]
}

type Skipped = Extract<RunEvent, { readonly type: 'skipped' }>

/** The runner treats a missing file as a source gap; these notes name the missing files. */
export function missingNotes(skipped: readonly Skipped[]): readonly RunEvent[] {
  return skipped.flatMap(({ tables, sourceGaps }) =>
    tables.map((table): RunEvent => ({ type: 'note', table, text: missingText(sourceGaps) })),
  )
}

/** Blocks that some tables of the import lack and others have: `up` would not notice. `tables`: all of the import. */
export function unevenWarnings(skipped: readonly Skipped[], tables: readonly string[]): readonly RunEvent[] {
  const sourceGapsOf = (table: string) =>
    skipped.find((event) => event.tables.includes(table))?.sourceGaps ?? []
  const everywhere = tables.map(sourceGapsOf).reduce(intersect)
  return skipped.flatMap(({ tables: missing, sourceGaps }): readonly RunEvent[] => {
    const uneven = subtract(sourceGaps, everywhere)
    const [first] = uneven
    if (first === undefined) return []
    const text = `blocks ${formatRanges(uneven)} lack ${missing.join(', ')}: \`up\` would treat them as empty; keep its --to below ${first.from} until these are imported`
    return [{ type: 'warning', table: undefined, text }]
  })
}

function missingText(blocks: BlockSet): string {
  return `no file for ${formatBlockSet(blocks)} (${count(countFiles(blocks), 'file')})`
}

/** Blocks by table key whose files, or the SQL that reads them, changed. A deleted file does not count. Reads only. */
export async function findChangedFiles(
  opened: ConnectedWorkspace,
  range: Range,
): Promise<ReadonlyMap<string, BlockSet>> {
  const { uuids } = await readKnown(opened.workspace)
  const found = opened.workspace.chosen.map(async (table) => {
    const changed = changedOf(opened, table, { uuid: uuids.get(table.key), range })
    return [table.key, await changed] as const
  })
  return new Map(await Promise.all(found))
}

/** Removes their coverage under the locks, so that the next run imports them. @throws BackfillError `locked`, `server` */
export async function forgetChangedFiles(
  opened: ConnectedWorkspace,
  range: Range,
  { lockWaitMs, giveUpMs }: UpOptions,
  { report, signal }: UpHooks,
): Promise<void> {
  const { chosen, ports } = opened.workspace
  const { uuids } = await readKnown(opened.workspace)
  for (const table of chosen) {
    const { key, sqlHash } = table
    const uuid = uuids.get(key)
    const find = () => changedOf(opened, table, { uuid, range })
    if (uuid === undefined || (await find()).length === 0) continue
    const lock = await ports.locks.acquire(
      key,
      (text) => report({ type: 'note', table: key, text }),
      lockWaitMs,
    )
    try {
      // Found again under the lock, because another run may have worked until now.
      const declared = { blocks: await find(), targetUuid: uuid, runId: randomId(), sqlHash }
      await ports.ledger.appendEach(lock, { event: 'invalidated', ...declared }, { giveUpMs, signal })
    } finally {
      await lock.release()
    }
  }
}

async function changedOf(
  { workspace: { ports }, connected: { recordedEvents } }: ConnectedWorkspace,
  { key, sources, sqlHash }: TableDefinition,
  { uuid: targetUuid, range: window }: { readonly uuid: string | undefined; readonly range: Range },
): Promise<BlockSet> {
  if (targetUuid === undefined) return []
  const changed: Range[] = []
  for await (const page of recordedEvents.latest({ key, targetUuid, window, withoutStaleTags: true })) {
    const built = page.filter(({ event }) => event === 'done')
    const positions = built.map(({ position }) => position)
    const before = await recordedEvents.fingerprints(key, positions)
    const found = built.map(async ({ eventRange, sqlHash: hash }, index) => {
      const now = await ports.source.fingerprint(sources, eventRange)
      const isSame = writeFingerprint(now) === before[index] && hash === sqlHash
      const isThere = [...now.values()].every(({ blocks }) => blocks > 0)
      return isThere && !isSame ? [eventRange] : []
    })
    changed.push(...(await Promise.all(found)).flat())
  }
  return intersect(blockSet(changed), [window])
}
