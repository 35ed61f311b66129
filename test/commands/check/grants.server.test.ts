// Owns what `check` says of a target user whose profile forbids to write, whatever it is granted.
import { expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { folderOf } from '../../support/check-fixtures.ts'
import { environmentFor } from '../../support/cli.ts'
import { backfillInside } from '../../support/inside.ts'
import { createSourceTables } from '../../support/small-chain.ts'
import { startWithUsers } from '../../support/users.ts'

test('check names the setting of the profile that forbids to write, and GRANT only where it helps', async () => {
  const grants = ['GRANT ALL ON target.*', 'GRANT ALL ON ledger.*', 'GRANT ALL ON ledger_locks.*']
  const server = await startWithUsers({
    reads_1: { grants, profile: { readonly: '1' } },
    reads_2: { grants, profile: { readonly: '2' } },
    ddl_not: { grants, profile: { allow_ddl: '0' } },
  })
  await createSourceTables(server, await readCatalogue(folderOf()), 'source')
  const databases = { source: 'source', target: 'target', ledger: 'ledger' }
  const check = async (username: string) => {
    const env = environmentFor({ ...server, username, password: 'secret' }, databases)
    return (await backfillInside(['check', 'gas', '--sql', folderOf()], env)).stdout
  }
  for (const [user, holds, wanted] of [
    ['reads_1', 'readonly = 1', 'readonly = 0'],
    ['reads_2', 'readonly = 2', 'readonly = 0'],
    ['ddl_not', 'allow_ddl = 0', 'allow_ddl = 1'],
  ] as const) {
    const said = await check(user)
    const hint = `no GRANT is enough while its profile has ${holds}: ALTER USER ${user} SETTINGS ${wanted}`
    expect(said).toMatch(new RegExp(`E080 .*'${user}' lacks CREATE DATABASE.* ON target.*; ${hint}\n`))
    expect(said).not.toContain('GRANT CREATE')
    expect(said).toContain(`; GRANT SELECT ON source.canonical_execution_transaction TO ${user}\n`)
  }
})
