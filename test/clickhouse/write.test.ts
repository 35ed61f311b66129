import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { runWrite } from '../../src/clickhouse/write.ts'

const STATEMENT = {
  query: 'INSERT INTO t SELECT 1',
  query_id: 'q',
  doing: 'inserting',
  query_params: {},
  clickhouse_settings: {},
  progress: false,
}

test.for([undefined, {}])(
  'an answer with the summary %j, as a proxy leaves it, says nothing of the outcome of a statement',
  async (summary) => {
    const client = { exec: async () => ({ stream: Readable.from([]), summary }) }
    const connection = { url: 'http://db:8123', side: 'target', username: 'u' }
    await expect(runWrite({ client, connection } as unknown as Server, STATEMENT)).rejects.toMatchObject({
      kind: 'server',
      message: expect.stringContaining('no X-ClickHouse-Summary'),
    })
  },
)
