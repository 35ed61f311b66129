// Owns the list of everything that is parsed, with sound inputs of each: the fuzz breaks them.
import * as values from '../../src/workspace/values.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClickHouseError } from '@clickhouse/client'
import { rejectedLine, rejectedWords } from '../../src/commands/check/error-line.ts'
import { lintDdl } from '../../src/targets/lint-ddl.ts'
import { readFooter } from '../../src/commands/import/files/parquet-file.ts'
import { parseTestCase } from '../../src/commands/test/test-case.ts'
import { parseYaml } from '../../src/commands/test/yaml-tree.ts'
import { serverError } from '../../src/clickhouse/server-error.ts'
import { errorInBody } from '../../src/clickhouse/answers.ts'
import { readForks, readInputs } from '../../src/ledger/built-from.ts'
import { readInfo } from '../../src/lock/comment.ts'
import { failedError } from '../../src/model/errors.ts'
import { ddlHeader, doctorHeader, importHeader, readHeader, sourceHeader } from '../../src/project/header.ts'
import { parseNetworks } from '../../src/project/networks-file.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { onlySelect } from '../../src/project/transform-statement.ts'
import { readFingerprint } from '../../src/sources/fingerprint.ts'
import { createTable } from '../../src/sql-syntax/create-table.ts'
import { distributedEngine } from '../../src/sql-syntax/ddl-clauses.ts'
import { reportOutside } from '../../src/sql-syntax/outside.ts'
import { usedParameters } from '../../src/sql-syntax/parameters.ts'
import { normalForm, splitStatements } from '../../src/sql-syntax/statements.ts'
import { temporaryForm } from '../../src/sql-syntax/table-forms.ts'
import { tableReads } from '../../src/sql-syntax/table-refs.ts'
import { parseType } from '../../src/sql-syntax/type-fit.ts'
import { parseDotenv } from '../../src/workspace/variables.ts'
import { protocolOf, serverUrl } from '../../src/workspace/server-url.ts'
import { repository } from '../support/processes.ts'

export type Parser = {
  readonly name: string
  readonly sound: readonly string[]
  /** Throws a BackfillError for what it refuses; may return texts that are printed. */
  readonly parse: (text: string) => unknown
}

const SQL = join(repository, 'sql')
const catalogue = await readCatalogue(SQL)
const texts = (folder: string): readonly string[] =>
  readdirSync(join(SQL, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(sql|yaml)$/.test(name))
    .map((name) => readFileSync(join(SQL, folder, name), 'utf8'))
const ignore = (): void => {}

const target = {
  connection: { side: 'target', url: 'http://db:8123', username: 'ann', password: '', database: 'd' },
  doing: 'inserting',
} as const

export const PARSERS: readonly Parser[] = [
  {
    name: 'sql',
    sound: [...texts('transforms'), ...texts('doctor'), ...texts('log')],
    parse(text) {
      const statements = splitStatements('a.sql', text)
      for (const one of statements) {
        reportOutside(one, [], ignore)
        rejectedLine(one, {
          message: `Unknown 'x' in scope ${text.slice(0, 99)}`,
          sent: text,
          linesBefore: 0,
        })
      }
      const sql = onlySelect('a.sql', text)
      return [normalForm(sql), usedParameters(sql), tableReads(sql)]
    },
  },
  {
    name: 'ddl',
    sound: [...texts('ddl'), ...texts('source'), ...texts('ledger')],
    parse(text) {
      const sql = { file: 'a.sql', text, line: 1 }
      createTable(sql)
      return [temporaryForm(sql), ...lintDdl(sql, { kind: 'per-block' })]
    },
  },
  {
    name: 'types',
    sound: ['Tuple(a UInt8, b Nested(x String))', "Enum8('a' = 1)", "Distributed('c', 'd', 't', rand())"],
    parse: (text) => [parseType(text), distributedEngine(text)],
  },
  {
    name: 'headers',
    sound: [...texts('transforms'), ...texts('source'), ...texts('import'), ...texts('doctor')],
    parse(text) {
      readHeader('a.sql', text, ignore)
      ddlHeader('a.sql', text, ignore)
      for (const read of [sourceHeader, importHeader, doctorHeader])
        try {
          read('a.sql', text)
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'BackfillError') throw error
        }
    },
  },
  {
    name: 'yaml',
    sound: texts('tests'),
    parse(text) {
      parseYaml('a.yaml', text)
      return parseTestCase({ name: 'a', file: 'a.yaml', text, table: catalogue.tables[0]! }, catalogue)
    },
  },
  {
    name: 'networks.json',
    sound: [readFileSync(join(SQL, 'networks.json'), 'utf8')],
    parse: (text) => parseNetworks('networks.json', text),
  },
  {
    name: '.env',
    sound: ['A=b # c\n# d\nexport E="f\\n\ng"\r\nH=`i`\n', "TARGET_CLICKHOUSE_URL='db'\n\nX=\n"],
    parse: (text) => parseDotenv('.env', text),
  },
  {
    name: 'urls',
    sound: ['http://ann:pw@db.example:8123/path', 'https://[::1]:8443', 'db', 'ann:p%40w@db:1?x#y'],
    parse: (text) => [
      serverUrl({ text, place: 'URL' }, 'http'),
      protocolOf({ text: text.slice(0, 5), place: 'PROTOCOL' }),
    ],
  },
  {
    name: 'durations and flags',
    sound: ['55m', '5%', '17000000', 'a,b', 'mainnet'],
    parse(text) {
      const { duration, share, blockNumber, blockCount, positiveCount, names } = values
      const readers = [duration, share, blockNumber, blockCount, positiveCount, names, values.databaseName]
      const word = { text, place: '--x' }
      const refused = [...readers, values.clusterName].flatMap((read) => {
        try {
          return [void read(word)]
        } catch (error) {
          return [error]
        }
      })
      // The last one is thrown: it is checked as it is printed.
      for (const error of refused) if (error instanceof Error) throw error
    },
  },
  {
    name: 'parquet footers',
    sound: [
      Buffer.from(
        '15041929' +
          '4806736368656d611504' +
          '00' +
          '1506380161' +
          '00' +
          '160a' +
          '190c' +
          '2802' +
          '7772' +
          '00',
        'hex',
      ).toString('latin1'),
    ],
    parse(text) {
      const bytes = Buffer.from(text, 'latin1')
      const trailer = Buffer.alloc(8, 'PAR1')
      trailer.writeUInt32LE(bytes.length)
      try {
        readFooter(Buffer.concat([bytes, trailer]))
      } catch (error) {
        // As keptFile says it.
        throw failedError(`x is broken: ${(error as Error).message}`)
      }
    },
  },
  {
    name: 'server answers',
    sound: [
      "Code: 47. DB::Exception: Unknown expression identifier `x` in scope SELECT x FROM t. Maybe you meant: ['y']. (UNKNOWN_IDENTIFIER) (version 26.7)",
      'Code: 497. DB::Exception: u: Not enough privileges. To execute this query, it is necessary to have the grant SELECT(a) ON d.t. (ACCESS_DENIED)',
      'Syntax error: failed at position 10 (x): x\n. Expected one of: token',
      '{"host":"h","pid":1,"pidNamespace":"","since":"","heartbeat":"","beats":1,"released":false}',
      'a:5:1700000000;b:1:2',
      'shapella=17034870',
      'b:6e737b1f-f332-488f-98b2-77c812f732dd@1.2',
    ],
    parse(text) {
      rejectedWords(text, text)
      readInfo({ name: text, comment: text })
      const [kind] = text
      if (kind === 'a') readFingerprint(text)
      if (kind === 's') readForks(text)
      if (kind === 'b') readInputs(text)
      throw serverError(
        text.startsWith('Code') ? errorInBody(text) : new ClickHouseError({ code: '497', message: text }),
        target,
      )
    },
  },
]
