// Owns the promise that SQL of a stranger touches nothing outside of the embedded server's folder, and that a folder which
// came with a clone is not used.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { prepareDirectory } from '../../src/embedded/server-directory.ts'
import { query, serve } from '../support/embedded.ts'
import { outcome, repository, start, temporaryDirectory } from '../support/processes.ts'

test('no statement reads or writes files, calls hosts or runs programs', async () => {
  const place = temporaryDirectory()
  const file = join(place, 'written')
  mkdirSync(join(place, 'state'))
  mkdirSync(join(place, 'state/embedded/data/user_scripts'), { recursive: true, mode: 0o700 })
  const server = await serve(join(place, 'other'))
  const refusals: readonly [statement: string, reason: RegExp][] = [
    [`SELECT * FROM file('/etc/hostname', 'LineAsString', 'line String')`, /READ ON FILE/],
    [`INSERT INTO FUNCTION file('${file}', 'TSV', 'a String') SELECT 'x'`, /WRITE ON FILE/],
    [`CREATE TABLE default.f (a String) ENGINE = File(TSVRaw, '${file}')`, /TABLE ENGINE ON File/],
    [`SELECT * FROM url('http://127.0.0.1:1/', 'TSV', 'a String')`, /READ ON URL/],
    [`SELECT * FROM s3('http://127.0.0.1:1/bucket/a', 'TSV', 'a String')`, /READ ON S3/],
    [`SELECT * FROM remote('127.0.0.1:1', system.one)`, /READ ON REMOTE/],
    [`SELECT * FROM filesystem('/etc')`, /READ ON FILE/],
    [`SELECT * FROM sqlite('/etc/x', 'y')`, /READ ON SQLITE|PATH_ACCESS_DENIED/],
    [`SELECT * FROM executable('a.sh', 'TSV', 'a String')`, /does not exist inside user scripts folder/],
    [`CREATE DATABASE d ENGINE = Filesystem('/')`, /TABLE ENGINE ON Filesystem/],
    [
      `CREATE DICTIONARY default.d (k UInt64) PRIMARY KEY k SOURCE(NULL()) LAYOUT(FLAT())`,
      /CREATE DICTIONARY/,
    ],
    [`CREATE FUNCTION f AS x -> file(x)`, /CREATE FUNCTION/],
    [`CREATE USER u`, /CREATE USER/],
    [`BACKUP DATABASE default TO File('${file}')`, /BACKUP/],
    [`SELECT 1 INTO OUTFILE '${file}'`, /INTO OUTFILE is not allowed/],
  ]
  for (const [statement, reason] of refusals)
    await expect.soft(query(server, statement), statement).rejects.toThrow(reason)
  expect(existsSync(file)).toBe(false)
})

describe.runIf(process.platform === 'linux')('the kernel shuts the engine in', () => {
  test('what no grant limits opens no file outside of the folder, and no environment but its own', async () => {
    process.env['TARGET_SECRET_OF_CI'] = 'hunter2'
    try {
      const folder = temporaryDirectory()
      const server = await serve(folder)
      const own = await query(server, `SELECT file('/proc/${server.pid}/environ')`)
      expect(own).toContain('TZ=UTC')
      expect(own).not.toContain('hunter2')
      expect(await query(server, `SELECT file('${folder}/password')`)).toBe(server.password)
      for (const file of [
        '/etc/hostname',
        `/proc/${process.pid}/environ`,
        join(repository, 'package.json'),
      ]) {
        const read = [
          `SELECT file('${file}')`,
          String.raw`SELECT ${'`'}f\x69le${'`'}('${file}')`,
          `SELECT * FROM format(TSV, 'a String, b String DEFAULT file(''${file}'')', 'x')`,
          `SELECT formatRow('Template', 1) SETTINGS format_template_row = '${file}'`,
          `SELECT 1 SETTINGS additional_result_filter = 'file(''${file}'') = 1'`,
        ]
        for (const statement of read)
          await expect.soft(query(server, statement), statement).rejects.toThrow(/Permission denied/)
      }
    } finally {
      delete process.env['TARGET_SECRET_OF_CI']
    }
  })

  test('it connects to nothing, and signals no other process', async () => {
    const program = `
      import { connect } from 'node:net'
      import { createRequire } from 'node:module'
      import { shutIn } from '${repository}/src/embedded/wall.ts'
      const isShut = shutIn(createRequire('${repository}/src/').call(null, 'ffi-rs'), '${temporaryDirectory()}')
      connect(1, '127.0.0.1').on('error', ({ code }) => console.log(isShut, code))
      try { process.kill(process.ppid, 0) } catch ({ code }) { console.log(code) }`
    const child = start(process.execPath, ['--input-type=module', '-e', program])
    expect((await outcome(child)).stdout).toBe('EPERM\ntrue EACCES\n')
  })
})

test.for(['a\\b', 'x\\'])('a folder with a backslash is refused, and nothing is made in it: %s', (name) => {
  const directory = join(temporaryDirectory(), name)
  expect(() => prepareDirectory(directory, { memoryBytes: undefined })).toThrow(
    expect.objectContaining({ kind: 'usage', message: expect.stringMatching(/no path with a backslash$/) }),
  )
  expect(existsSync(directory)).toBe(false)
})

test('a folder that backfill has not made is not used: a link, one of a clone', () => {
  const place = temporaryDirectory()
  const wishes = { memoryBytes: undefined }
  mkdirSync(join(place, 'real'))
  symlinkSync(join(place, 'real'), join(place, 'state'))
  expect(() => prepareDirectory(join(place, 'state', 'embedded'), wishes)).toThrow(/is a link/)
  const tracked = join(place, 'tracked')
  prepareDirectory(join(tracked, 'state/embedded'), wishes)
  prepareDirectory(join(tracked, 'state/embedded'), wishes)
  execFileSync('git', ['init', '--quiet', tracked])
  execFileSync('git', ['-C', tracked, 'add', '--force', 'state'])
  expect(() => prepareDirectory(join(tracked, 'state/embedded'), wishes)).toThrow(/git tracks files in it/)
  const cloned = join(place, 'cloned')
  mkdirSync(join(cloned, 'data'), { recursive: true, mode: 0o755 })
  expect(() => prepareDirectory(cloned, wishes)).toThrow(/backfill has not made it/)
  writeFileSync(join(cloned, 'password'), 'known to the stranger', { mode: 0o644 })
  expect(() => prepareDirectory(cloned, wishes)).toThrow(/backfill has not made it/)
  const own = join(place, 'own')
  prepareDirectory(own, wishes)
  expect(() => prepareDirectory(own, wishes)).not.toThrow()
})
