// Owns reading sql/networks.json: fork blocks and other values of a network.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { BlockCoverage, Network } from '../model/model.ts'
import { DENSITIES } from './header-values.ts'
import { knownNames } from '../model/did-you-mean.ts'
import { RUNNER_PARAMETERS } from '../sql-syntax/parameters.ts'
import { isLockName } from '../model/table-key.ts'

const HOLE_BLOCKS = 1000

/**
 * Reads `{ "<network>": { "forks": { "<fork>": block }, "source-gap-blocks"?: blocks, "block-coverage"?: { "<source>": block coverage } } }`.
 * Throws a usage error that names the file and the key for anything else.
 */
export function parseNetworks(file: string, text: string): readonly Network[] {
  return Object.entries(record(file, '', parseJson(file, text))).map(([name, value]) => {
    if (!isLockName(name)) {
      throw wrong(file, name, 'is not the name of a network', 'use lower-case letters, digits and single _')
    }
    const fields = record(file, name, value)
    const unknown = Object.keys(fields).find((key) => !KEYS.includes(key))
    if (unknown !== undefined)
      throw wrong(file, `${name}.${unknown}`, 'is unknown', knownNames('keys', unknown, KEYS))
    return {
      name,
      forks: forks(file, `${name}.forks`, fields['forks']),
      sourceGapBlocks: sourceGapBlocks(file, `${name}.source-gap-blocks`, fields['source-gap-blocks']),
      blockCoverage: blockCoverages(file, `${name}.block coverage`, fields['block-coverage']),
    }
  })
}

const KEYS: readonly string[] = ['forks', 'source-gap-blocks', 'block-coverage']

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    const sentence = `is not JSON: ${(error as Error).message}`
    throw fileError({ rule: 'E014', file, sentence, hint: 'correct the file' })
  }
}

function forks(file: string, path: string, value: unknown): Network['forks'] {
  return mapRecord(file, path, value, (fork, block) => {
    if (!/^[a-z][a-z0-9_]*$/.test(fork) || Object.hasOwn(RUNNER_PARAMETERS, fork)) {
      throw wrong(
        file,
        `${path}.${fork}`,
        'is not the name of a fork',
        'use lower-case letters, digits and _',
      )
    }
    if (Number.isSafeInteger(block) && (block as number) >= 0) return block as number
    throw wrong(file, `${path}.${fork}`, `is ${JSON.stringify(block)}`, 'write the first block of the fork')
  })
}

function sourceGapBlocks(file: string, path: string, value: unknown): number {
  if (value === undefined) return HOLE_BLOCKS
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw wrong(file, path, `is ${JSON.stringify(value)}`, 'write a number of blocks above 0')
}

function blockCoverages(file: string, path: string, value: unknown): Network['blockCoverage'] {
  return mapRecord(file, path, value ?? {}, (source, given): BlockCoverage => {
    const known = DENSITIES.find((blockCoverage) => blockCoverage === given)
    if (known !== undefined) return known
    const hint = `write one of ${DENSITIES.join(', ')}`
    throw wrong(file, `${path}.${source}`, `is ${JSON.stringify(given)}`, hint)
  })
}

function mapRecord<Value>(
  file: string,
  path: string,
  value: unknown,
  read: (key: string, value: unknown) => Value,
): Readonly<Record<string, Value>> {
  const entries = Object.entries(record(file, path, value))
  return Object.fromEntries(entries.map(([key, content]) => [key, read(key, content)]))
}

function record(file: string, path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw wrong(
    file,
    path,
    value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`,
    'write an object, { … }',
  )
}

function wrong(file: string, path: string, problem: string, hint: string): BackfillError {
  const sentence = `${path === '' ? 'the content' : `'${path}'`} ${problem}`
  return fileError({ rule: 'E014', file, sentence, hint })
}
