// Owns the promises of the embedded server: who may log in, what it keeps, what it says when it cannot start.

import { cpSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { prepareDirectory } from '../../src/embedded/server-directory.ts'
import { MEMORY_BYTES, parentProgram, query, refusal, runParent, serve } from '../support/embedded.ts'
import { listeners } from '../support/listeners.ts'
import { outcome, repository, start, temporaryDirectory } from '../support/processes.ts'

describe('who may log in', () => {
  test('nobody without the password of the directory, default included', async () => {
    const server = await serve(temporaryDirectory())
    expect(await query(server, 'SELECT currentUser()')).toBe('backfill')
    const strangers = [
      ['default', ''],
      ['default', 'wrong'],
      ['default', server.password],
      ['backfill', ''],
      ['backfill', 'wrong'],
      ['', ''],
      ['', server.password],
      ['nobody', ''],
    ] as const
    for (const [user, password] of strangers) {
      const basic = Buffer.from(`${user}:${password}`).toString('base64')
      const ways: readonly Record<string, string>[] = [
        { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password },
        { authorization: `Basic ${basic}` },
      ]
      for (const headers of ways) {
        const response = await fetch(`${server.url}/?query=SELECT+1`, { headers })
        expect.soft(response.ok, `${user}:${password === '' ? 'nothing' : 'something'}`).toBe(false)
      }
    }
    expect((await fetch(`${server.url}/?query=SELECT+1`)).ok).toBe(false)
  })

  test.runIf(process.platform === 'linux')(
    'it listens on one port of 127.0.0.1 and on nothing else',
    async () => {
      const server = await serve(temporaryDirectory())
      expect(listeners(server.pid)).toEqual([new URL(server.url).host])
    },
  )

  test('two directories have two passwords, and one directory keeps its own', async () => {
    const directory = temporaryDirectory()
    const first = await serve(directory)
    const other = await serve(temporaryDirectory())
    expect(other.password).not.toBe(first.password)
    await first.stop()
    expect((await serve(directory)).password).toBe(first.password)
  })

  test.runIf(process.platform === 'linux')(
    'other people can read none of its files, and its arguments hold no secret',
    async () => {
      const directory = temporaryDirectory()
      const server = await serve(directory)
      await query(server, 'CREATE DATABASE kept')
      await query(server, 'CREATE TABLE kept.t ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n')
      const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      expect(files.length).toBeGreaterThan(10)
      const open = ['.', ...files].filter((file) => {
        const stats = statSync(join(directory, file), { throwIfNoEntry: false }) // a merge may have removed it
        return stats !== undefined && (stats.mode & 0o077) !== 0
      })
      expect(open).toEqual([])
      expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain(server.password)
    },
  )
})

describe('what it keeps', () => {
  test('data survives a stop and kill -9, and the query log works after either', async () => {
    const directory = temporaryDirectory()
    const first = await serve(directory)
    await query(first, 'CREATE DATABASE kept')
    await query(first, 'CREATE TABLE kept.t (n UInt64) ENGINE = MergeTree ORDER BY n')
    await query(first, 'INSERT INTO kept.t SELECT number FROM numbers(100000)')
    await first.stop()

    const second = await serve(directory)
    expect(await query(second, 'SELECT count() FROM kept.t')).toBe('100000')
    await query(second, 'INSERT INTO kept.t SELECT number FROM numbers(100000)')
    process.kill(second.pid, 'SIGKILL')
    await refusal(second.url)

    const third = await serve(directory)
    expect(await query(third, 'SELECT count() FROM kept.t')).toBe('200000')
    await query(third, 'SYSTEM FLUSH LOGS query_log')
    const logged = "SELECT count() FROM system.query_log WHERE type = 'QueryFinish' AND has(tables, 'kept.t')"
    expect(await query(third, logged)).toBe('1')
  })

  test('the query log is there from the first moment', async () => {
    expect(await query(await serve(temporaryDirectory()), 'EXISTS TABLE system.query_log')).toBe('1')
  })

  test('its memory limit is the one that was asked for, and its clock is UTC', async () => {
    const server = await serve(temporaryDirectory())
    const limit = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    expect(await query(server, limit)).toBe(String(MEMORY_BYTES))
    expect(await query(server, 'SELECT serverTimezone()')).toBe('UTC')
  })
})

describe('one server at a time', () => {
  test('a second one on the directory of a running server is told so, and the first goes on', async () => {
    const directory = temporaryDirectory()
    const first = await serve(directory)
    await expect(serve(directory)).rejects.toMatchObject({
      kind: 'locked',
      message: expect.stringContaining(directory),
    })
    expect(await query(first, 'SELECT 1')).toBe('1')
  })

  test('of two that start at once in a new directory one wins', async () => {
    const directory = temporaryDirectory()
    const parent = [process.execPath, parentProgram]
    const results = await Promise.allSettled([runParent(parent, directory), runParent(parent, directory)])
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const loser = results.find((result) => result.status === 'rejected')
    expect(String(loser?.reason)).toContain("kind: 'locked'")
  })
})

describe('what it says when it cannot start', () => {
  test('without chdb and ffi-rs it names the line that installs them', async () => {
    const root = temporaryDirectory() // has no node_modules above it
    for (const file of [
      'src/embedded',
      'src/seam',
      'src/package-folder.ts',
      'src/model/errors.ts',
      'src/sql-syntax/quoting.ts',
      'test/support/embedded-parent.ts',
    ]) {
      cpSync(join(repository, file), join(root, file), { recursive: true })
    }
    writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
    const parent = start(process.execPath, ['test/support/embedded-parent.ts', './state'], { cwd: root })
    const { stderr } = await outcome(parent)
    expect(stderr).toContain("kind: 'usage'")
    expect(stderr).toContain("hint: 'npm install chdb ffi-rs")
  })

  test('a library that is not where CHDB_LIBCHDB_PATH says is named', async () => {
    const env = { CHDB_LIBCHDB_PATH: '/nowhere/libchdb.so' }
    const { stderr } = await outcome(start(process.execPath, [parentProgram, temporaryDirectory()], { env }))
    expect(stderr).toContain("kind: 'usage'")
    expect(stderr).toContain("'/nowhere/libchdb.so'")
  })

  test('a directory that cannot be used is named', async () => {
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, '')
    await expect(serve(file)).rejects.toMatchObject({ kind: 'usage', message: expect.stringContaining(file) })
  })

  test("the engine's own words are passed on, without its stack", async () => {
    const directory = temporaryDirectory()
    prepareDirectory(directory, { memoryBytes: undefined })
    writeFileSync(join(directory, 'data'), 'in the way')
    const error: unknown = await serve(directory).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ kind: 'server', message: expect.stringContaining('File exists') })
    expect(String(error)).not.toContain('Stack trace')
  })
})
