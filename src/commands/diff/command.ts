// Owns `backfill diff`.
import { EXIT } from '../../model/errors.ts'
import { nonEmpty, readFlag } from '../../workspace/values.ts'
import type { Command } from '../../session/command.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { diffJson, renderDiff } from './render.ts'
import { withWorld } from '../../session/session.ts'

export const diffCommand: Command = async (context) => {
  const { words, output } = context
  requireOneTable(words, 'diff')
  const question = {
    fromHash: readFlag(words, 'from-hash', nonEmpty),
    toHash: readFlag(words, 'to-hash', nonEmpty),
  }
  return await withWorld(context, async ({ world }) => {
    const { sqlDiff } = await import('./diff.ts')
    const report = await sqlDiff(world, question)
    output.result(
      words.has('json') ? [JSON.stringify(diffJson(report))] : renderDiff(report, output.resultPaint),
    )
    return EXIT.ok
  })
}
