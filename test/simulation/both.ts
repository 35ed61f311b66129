// Owns real runs whose every statement goes to the simulated world as well, one after the other; what the two answer is
// compared.
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createClient } from '@clickhouse/client'
import { replaceTransport, type Transport } from '../../src/clickhouse/client.ts'
import { post, rowsOf, type TestServer } from '../support/server.ts'
import { openTestWorkspace, OPTIONS, type TestWorkspace } from '../support/workspace.ts'
import { valuesBeside } from './answers.ts'
import { adoptWork, rebuildWork, statusWork, type Work } from './commands.ts'
import { NOT_COMPARED, plain, sorted } from './compared.ts'
import { catalogue } from './tables.ts'
import { rangesIn, Sent } from './sent.ts'
import { statementOf } from './statements.ts'
import { BLOCKS, type Key, keyOf, KEYS, World } from './world.ts'

type Asked = Parameters<Transport['exec']>[0]

export async function playOnBoth(server: TestServer) {
  const world = new World()
  const differences: string[] = []
  const names = new Set<string>()
  /** What happens to the next statement of a name. */
  const faults: { name: string; fault: 'unsent' | 'lost' | 'cut off' }[] = []
  let isCut = false

  /** Runs the statement there, and then in the world; statements wait for one another. */
  let turn: Promise<unknown> = Promise.resolve()
  async function both<T>(
    asked: Asked,
    there: () => Promise<T>,
    rowsOfAnswer: (answer: T) => Promise<readonly unknown[]>,
  ) {
    const before = turn
    const { promise, resolve } = Promise.withResolvers<void>()
    turn = promise
    await before
    try {
      const statement = statementOf(asked.query)
      const { name } = statement
      names.add(name)
      const fault = faults[0]?.name === name ? faults.shift()!.fault : undefined
      if (fault === 'cut off') isCut = true
      if (isCut || fault === 'unsent') throw reset()
      const answer = await there()
      const rows = await rowsOfAnswer(answer)
      const sent = new Sent(
        asked.query,
        { ...asked.query_params, ...valuesBeside(asked) },
        asked.query_id ?? '',
      )
      const own = apply(sent, statement.goesOn) ?? statement.run(world, sent, Date.now())
      if (name === 'create a target') await takeUuids()
      if (!NOT_COMPARED.has(name) && sorted(name, own) !== sorted(name, rows))
        differences.push(`${name}: the world answers ${plain(own)}, ClickHouse ${plain(rows)}`)
      if (fault === 'lost') throw reset()
      return { answer, rows }
    } finally {
      resolve()
    }
  }

  /** INSERT and DELETE, at once. */
  function apply(sent: Sent, goesOn: 'insert' | 'delete' | undefined): readonly unknown[] | undefined {
    if (goesOn === undefined) return undefined
    if (goesOn === 'insert') {
      const target = world.targets.get(String(sent.params['backfill_table']))!
      const range = { from: Number(sent.params['from_block']), to: Number(sent.params['to_block']) }
      const rows = world.transform(target.key, range, target)
      target.rows = [
        ...target.rows,
        ...rows.map((row) => ({ ...row, order: world.order(), writer: sent.id })),
      ]
      world.log.push({ id: sent.id, type: 'QueryFinish', rows: rows.length, seenAt: 0 })
      return []
    }
    const target = world.targets.get(/DELETE FROM `tgt`\.`(\w+)`/.exec(sent.text)![1]!)!
    const ranges = rangesIn(sent, 'block_number', 'block_number')
    target.rows = target.rows.filter(
      ({ block }) => !ranges.some(({ from, to }) => from <= block && block <= to),
    )
    return []
  }

  async function takeUuids(): Promise<void> {
    const found = await rowsOf<{ name: string; uuid: string }>(
      server,
      "SELECT name, toString(uuid) AS uuid FROM system.tables WHERE database = 'tgt'",
    )
    for (const { name, uuid } of found)
      if (world.targets.get(name)?.uuid !== uuid)
        world.targets.set(name, { name, key: keyOf(name), uuid, rows: [], masked: 0 })
  }

  const restore = replaceTransport(({ url, username, password }, settings) => {
    const client = createClient({
      url,
      username,
      password,
      clickhouse_settings: settings,
      use_multipart_params_auto: true,
    })
    return {
      async query(asked: Parameters<Transport['query']>[0]) {
        const { rows } = await both(
          asked,
          () => client.query(asked),
          async (answer) => ((await answer.json()) as { data: unknown[] }).data,
        )
        return { text: async () => JSON.stringify({ data: rows }) }
      },
      async exec(asked: Asked) {
        const { answer, rows } = await both(
          asked,
          () => client.exec(asked),
          // What is read as text; the other answers are read by nobody.
          async ({ stream }) =>
            asked.query.endsWith(') FORMAT JSONEachRow') ? [JSON.parse(await text(stream))] : [],
        )
        return rows.length === 0
          ? answer
          : { ...answer, stream: Readable.from(rows.map((row) => Buffer.from(JSON.stringify(row)))) }
      },
      ping: (params: Parameters<Transport['ping']>[0]) => client.ping(params),
      close: () => client.close(),
    } as unknown as Transport
  })

  const outcomes: string[] = []
  async function run(
    tables: readonly Key[],
    work: (opened: TestWorkspace) => Promise<string>,
  ): Promise<void> {
    isCut = false
    const databases = { source: 'src', target: 'tgt', ledger: 'led' }
    const opened = await openTestWorkspace({ server, ...databases, catalogue, tables, exclusive: true })
    try {
      outcomes.push(await work(opened))
    } catch {
      outcomes.push('failed')
    } finally {
      await opened.close()
    }
  }
  const options = { ...OPTIONS, chunk: 3, jobs: 1, giveUpMs: 100 }
  const up = () =>
    run([], async (opened) => ((await opened.up(options)).failed.length === 0 ? 'ok' : 'failed'))
  const workOn = (table: Key, work: Work) =>
    run([table], ({ workspace, connected }) =>
      work(workspace, { report: () => {}, signal: new AbortController().signal }, connected),
    )

  /** The rows again under a new UUID, without those of a block. */
  async function putBack(table: Key, without: number): Promise<void> {
    const { rows } = world.targets.get(table)!
    await post(server, `CREATE TABLE tgt.moved AS tgt.${table}`)
    await post(server, `INSERT INTO tgt.moved SELECT * FROM tgt.${table} WHERE block_number != ${without}`)
    await post(server, `DROP TABLE tgt.${table} SYNC`)
    await post(server, `RENAME TABLE tgt.moved TO tgt.${table}`)
    await takeUuids()
    world.targets.get(table)!.rows = rows.filter(({ block }) => block !== without)
  }

  try {
    await post(server, 'CREATE DATABASE src')
    for (const { ddl } of catalogue.sources) await post(server, ddl.text, { source: 'src' })
    const write = async (block: number) => {
      const { value, written } = world.source.get(block)!
      await post(server, `INSERT INTO src.events VALUES (${written}, ${block}, ${value}, 'mainnet')`)
    }
    for (let block = 1; block <= BLOCKS; block++) await write(block)
    // An INSERT that never arrives, one that is not answered, a checkpoint.
    faults.push({ name: 'insert', fault: 'unsent' }, { name: 'insert', fault: 'lost' })
    await up()
    await post(server, 'DROP TABLE tgt.plain SYNC')
    world.targets.delete('plain')
    // Cut off after the INSERT: the next run deletes its rows.
    faults.push({ name: 'digest of a range', fault: 'cut off' })
    await up()
    world.write(2)
    await post(server, 'ALTER TABLE src.events DELETE WHERE block_number = 2 SETTINGS mutations_sync = 2')
    await write(2)
    await up()
    await up()
    await up()
    for (const table of KEYS) await workOn(table, rebuildWork(table === 'echo'))
    await up()
    await putBack('plain', 4)
    await workOn('plain', adoptWork(false))
    await up()
    await putBack('echo', 0)
    await workOn('echo', adoptWork(true))
    await up()
    await run([], ({ workspace }) => statusWork(workspace))
  } finally {
    restore()
  }
  return { differences, names: [...names], outcomes }
}

function reset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}
