// Owns what a chunk reads besides the sources: the versions of its inputs before the INSERT, and whether inputs and target
// were still the same after it.
import { type InputVersion, readInputs, takenOut, windowOf, writeInputs } from '../ledger/built-from.ts'
import { type Attempt, isLater, type Position } from '../ledger/events.ts'
import { intersect, type Range, namedBlocks } from '../model/blocks.ts'
import { type BackfillError, failedError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { type TableInput, inputsOf, type TableStatus } from '../planning/table-status.ts'
import type { OutputColumn } from '../sql-syntax/column-fit.ts'
import type { RunContext } from './prepare.ts'
import type { Ports } from './workspace.ts'
import { forksText } from '../planning/stale-ranges.ts'

export type ChunkRead = {
  readonly table: TableDefinition
  readonly targetUuid: string
  /** Of the target, when the run began. */
  readonly columns: readonly OutputColumn[]
  readonly range: Range
  readonly inputs: readonly TableInput[]
}

export type InputPositions = ReadonlyMap<string, Position>

/** To be asked before the INSERT: what comes later is noticed. */
export async function inputPositions({ ledger }: Pick<Ports, 'ledger'>, inputs: readonly TableInput[]) {
  return await ledger.lastPositions(new Map(inputs.map(({ key, uuid }) => [key, uuid])))
}

export function inputsText(
  {
    table,
    inputs,
    range,
  }: Pick<ChunkRead, 'inputs' | 'range'> & {
    readonly table: Pick<TableDefinition, 'lookups'>
  },
  before: InputPositions,
): string {
  // A look-up is read as it is, and not watched: this tells it from an input whose version an old ledger does not know.
  if (inputs.length === 0) return writeInputs(new Map((table.lookups ?? []).map((name) => [name, undefined])))
  const versions = inputs.map((input): [string, InputVersion | undefined] => {
    const isRead = input.own === true || intersect(input.blocks, [windowOf(input, range)]).length > 0
    // A table has no event yet before its own first one.
    return [input.key, isRead ? { uuid: input.uuid, position: before.get(input.key) ?? [0, 0] } : undefined]
  })
  return writeInputs(new Map(versions))
}

/**
 * @throws BackfillError `failed` if an input or the target is not what it was before the INSERT, or if an input has lost blocks since the run has read
 *   which it holds
 */
export async function assertUnchanged(
  { ledger, target }: Pick<Ports, 'ledger' | 'target'>,
  { table, targetUuid, columns, range, inputs }: ChunkRead,
  before: InputPositions,
): Promise<void> {
  const names = [table.target, ...inputs.map((input) => input.target)]
  const asked = questionsAbout({ inputs, range }, before)
  const earlier = asked.map(({ since, known = since, ...question }) => ({
    ...question,
    since: isLater(since, known) ? known : since,
  }))
  const [changes, tables] = await Promise.all([ledger.inputChanges(earlier), target.identities(names)])
  const blocks = `${namedBlocks([range])} of ${table.key}`
  for (const { target: name, uuid } of [{ target: table.target, uuid: targetUuid }, ...inputs])
    if (tables.get(name)?.uuid !== uuid) throw changed(`${name} was replaced while ${blocks} were computed`)
  // An INSERT casts to the type that a column has now, and may cut values that fitted before.
  const now = tables.get(table.target)!.columns
  const altered = columns.find(({ name, type }) => !now.some((one) => one.name === name && one.type === type))
  if (now.length > 0 && altered !== undefined)
    throw changed(`column ${altered.name} of ${table.target} was altered while ${blocks} were computed`)
  for (const { key, uuid, target: name } of inputs)
    if (tables.get(name)?.rows === 0 && (await ledger.written(key, uuid)).rowsWritten > 0)
      throw changed(`${name} was emptied while ${blocks} were computed`)
  for (const input of inputs)
    if (await hasLostRows({ ledger, target }, input, tables.get(input.target)?.rows ?? null))
      throw changed(`${input.target} lost rows while ${blocks} were computed`)
  for (const { key, since, window } of asked) {
    const events = changes.filter((event) => event.key === key)
    if (events.some(({ position }) => isLater(position, since)))
      throw changed(`the inputs of ${table.key} were redone in ${namedBlocks([range])} meanwhile`)
    // Earlier than this chunk, but after the run has read which blocks there are.
    const out = intersect(takenOut(events), [window])
    if (out.length > 0)
      throw changed(`${namedBlocks(out)} of ${key} were taken out before ${blocks} were computed`)
  }
}

/** Merges make fewer rows, too, but never fewer than FINAL shows. The rows are read again after the ledger: a run may have written both in between. */
async function hasLostRows(
  { ledger, target }: Pick<Ports, 'ledger' | 'target'>,
  { key, uuid, target: name, rows: before, own }: TableInput,
  rows: number | null,
): Promise<boolean> {
  if (own === true || before === null || rows === null || rows >= before) return false
  const recorded = await ledger.recordedRows(key, uuid)
  return rows < recorded && ((await target.identities([name])).get(name)?.rows ?? recorded) < recorded
}

function questionsAbout({ inputs, range }: Pick<ChunkRead, 'inputs' | 'range'>, before: InputPositions) {
  return inputs.map((input) => ({
    ...input,
    since: before.get(input.key) ?? ([0, 0] as const),
    window: windowOf(input, range),
  }))
}

function changed(sentence: string): BackfillError {
  return failedError(sentence, 'Run backfill up again')
}

export type TableReads = ReturnType<typeof readsOf>

/** `forks`: first block of each fork that the transform uses, and the source database, for the ledger. */
export function readsOf(
  { table }: Pick<TableStatus, 'table'>,
  { tableStatuses, ...place }: Pick<RunContext, 'ports' | 'network' | 'tableStatuses'>,
) {
  return { forks: forksText(table, place), inputs: inputsOf(table, tableStatuses) }
}

/** Whether the inputs are in the versions that the attempt read, as far as its range goes. */
export async function readSame(
  { ledger }: Pick<Ports, 'ledger'>,
  { table, inputs }: Pick<ChunkRead, 'table' | 'inputs'>,
  { range, inputs: text }: Pick<Attempt, 'range' | 'inputs'>,
): Promise<boolean> {
  const read = readInputs(text)
  const positions = new Map(inputs.map(({ key }) => [key, read.get(key)?.position ?? ([0, 0] as const)]))
  if (inputsText({ table, inputs, range }, positions) !== text) return false
  return (await ledger.inputChanges(questionsAbout({ inputs, range }, positions))).length === 0
}
