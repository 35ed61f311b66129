// Owns `backfill list`: what the SQL folder holds. It asks no server.
import { EXIT } from '../../runner/errors.ts'
import type { Command } from '../context.ts'
import { renderList } from '../render/list.ts'

export const list: Command = async ({ config, output }) => {
  const { readCatalogue } = await import('../../files/sql-folder.ts')
  const { tables } = await readCatalogue(config.sql.value)
  output.result(renderList(tables, output.resultPaint))
  return EXIT.ok
}
