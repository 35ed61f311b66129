// Owns `backfill list`: what the SQL folder holds. It asks no server.
import { EXIT } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { renderList } from './list.ts'

export const list: Command = async ({ config, output }) => {
  const { readCatalogue } = await import('../../project/sql-folder.ts')
  const { tables } = await readCatalogue(config.sql.value)
  output.result(renderList(tables, output.resultPaint))
  return EXIT.ok
}
