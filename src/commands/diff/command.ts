// Owns `backfill diff`.
import { EXIT } from '../../model/errors.ts'
import { nonEmpty, readFlag } from '../../workspace/values.ts'
import type { Command } from '../../session/command.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { diffFields, renderDiff } from './render.ts'
import { withWorkspace } from '../../session/session.ts'

export const diffCommand: Command = async (context) => {
  const { flags, output } = context
  requireOneTable(flags, 'diff')
  const question = {
    fromHash: readFlag(flags, 'from-hash', nonEmpty),
    toHash: readFlag(flags, 'to-hash', nonEmpty),
  }
  return await withWorkspace(context, async ({ workspace }) => {
    const { sqlDiff } = await import('./diff.ts')
    const report = await sqlDiff(workspace, question)
    if (flags.has('json')) output.json(diffFields(report))
    else output.result(renderDiff(report, output.resultColors))
    return EXIT.ok
  })
}
