import { expect, test } from 'vitest'
import { checkedParameters, transformParameters, usedParameters } from '../../src/sql-syntax/parameters.ts'

const sql = (text: string) => ({ file: 'a.sql', text, line: 7 })
const known = transformParameters(
  { file: 'a.sql' },
  { forks: ['dencun'], own: [{ name: 'min', type: 'Array(UInt8)', value: '[]' }] },
)

test('parameters are found with type and line, but not in strings, comments, names and heredocs', () => {
  const text = `SELECT {from_block:UInt64}, '{a:String}', \`{b:String}\`, $$ {c:String} $$ -- {d:String}
    /* {e:String} */ , { to_block : UInt64 }, {m:Map(String, Array(Nullable(UInt8)))}.1 WHERE {x} OR {}`
  expect(usedParameters(sql(text))).toMatchObject([
    { name: 'from_block', type: 'UInt64', line: 7, from: 1, to: 5 },
    { name: 'to_block', type: 'UInt64', line: 8 },
    { name: 'm', type: 'Map(String, Array(Nullable(UInt8)))', line: 8 },
  ])
})

test('known parameters are named once, in the order of their first use', () => {
  const text =
    'SELECT {to_block:UInt64}, {dencun:UInt64}, {min:Array( UInt8 )}, {source:Identifier}.t, {to_block:UInt64}'
  expect(checkedParameters(sql(text), known)).toEqual(['to_block', 'dencun', 'min', 'source'])
})

test('an unknown parameter is refused with its line and the nearest name', () => {
  expect(() => checkedParameters(sql('SELECT 1,\n{form_block:UInt64}'), known)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining('a.sql:8: unknown parameter {form_block:UInt64}'),
      hint: expect.stringContaining("did you mean 'from_block'?"),
    }),
  )
})

test('what every object inherits is no known parameter', () => {
  expect(() => checkedParameters(sql('{constructor:String}'), known)).toThrow('unknown parameter')
})

test('a parameter of another type is refused with the right one', () => {
  expect(() => checkedParameters(sql('SELECT {from_block:UInt32}'), known)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining("a.sql:7: parameter 'from_block' is used as UInt32"),
      hint: 'write {from_block:UInt64}',
    }),
  )
})

test.for(['from_block', 'network', 'dencun', 'p0', 'backfill_table'])(
  'a parameter of its own may not be called %s',
  (name) => {
    const own = [{ name, type: 'UInt64', value: '1' }]
    expect(() => transformParameters({ file: 'a.sql' }, { forks: ['dencun'], own })).toThrow(
      `'${name}' is the name of a parameter`,
    )
  },
)
