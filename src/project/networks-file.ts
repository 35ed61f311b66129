// Owns reading sql/networks.json: fork blocks and other values of a network.
import { type BackfillError, fileError, knownNames } from '../model/errors.ts'
import { type Network, isNetworkName } from '../model/model.ts'
import { BLOCK_COVERAGES } from './header-values.ts'
import { isReserved, RUNNER_PARAMETERS } from '../sql-syntax/parameters.ts'

const SOURCE_GAP_BLOCKS = 1000

/** A value of the file, with the path of its keys for messages: `mainnet.forks`. */
type Place = { readonly file: string; readonly path: string; readonly key: string; readonly value: unknown }

/**
 * `{ network: { forks: { fork: block }, source-gap-blocks?, block-coverage?: { source: coverage } } }`. Throws a usage error with the key.
 * @param below networks by name, of the folders below this one: what the file does not say is theirs
 */
export function parseNetworks(
  file: string,
  text: string,
  below: ReadonlyMap<string, Network> = new Map(),
): readonly Network[] {
  return fieldsOf({ file, path: '', key: '', value: parseJson(file, text) }).map((network) => {
    if (!isNetworkName(network.key))
      throw wrong(network, 'is not the name of a network', 'use lower-case letters, digits and single _ or -')
    const fields = fieldsOf(network)
    const unknown = fields.find(({ key }) => !KEYS.includes(key))
    if (unknown !== undefined) throw wrong(unknown, 'is unknown', knownNames('keys', unknown.key, KEYS))
    const field = (key: string, value: unknown) =>
      fields.find((one) => one.key === key) ?? { file, path: `${network.path}.${key}`, key, value }
    const known = below.get(network.key)
    return {
      name: network.key,
      forks: { ...known?.forks, ...valuesOf(field('forks', known && {}), firstBlock) },
      sourceGapBlocks: wholeFrom(
        1,
        field('source-gap-blocks', known?.sourceGapBlocks ?? SOURCE_GAP_BLOCKS),
        'write a number of blocks above 0',
      ),
      blockCoverage: { ...known?.blockCoverage, ...valuesOf(field('block-coverage', {}), blockCoverage) },
    }
  })
}

const KEYS: readonly string[] = ['forks', 'source-gap-blocks', 'block-coverage']

function parseJson(file: string, text: string): unknown {
  let content: unknown
  try {
    content = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    const sentence = `is not JSON: ${(error as Error).message}`
    throw fileError({ rule: 'E014', file, sentence, hint: 'correct the file' })
  }
  const twice = repeatedKey(text)
  const sentence = `has the key ${twice} twice`
  if (twice !== undefined) throw fileError({ rule: 'E014', file, sentence, hint: 'keep one of the two' })
  return content
}

/** Of valid JSON. `JSON.parse` takes the last of two, which nobody may have meant: a merge that went wrong leaves both. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = []
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') open.push(new Set())
    if (token === '}') open.pop()
    if (key === undefined) continue
    const name = JSON.stringify(JSON.parse(key))
    if (open.at(-1)!.has(name)) return name
    open.at(-1)!.add(name)
  }
  return undefined
}

function firstBlock(fork: Place): number {
  if (Object.hasOwn(RUNNER_PARAMETERS, fork.key) || isReserved(fork.key))
    throw wrong(fork, 'is the name of a parameter of the program', 'give the fork another name')
  if (!/^[a-z][a-z0-9_]*$/.test(fork.key))
    throw wrong(fork, 'is not the name of a fork', 'use lower-case letters, digits and _')
  return wholeFrom(0, fork, 'write the first block of the fork')
}

function wholeFrom(least: number, place: Place, hint: string): number {
  if (Number.isSafeInteger(place.value) && Number(place.value) >= least) return Number(place.value)
  throw isWrong(place, hint)
}

function blockCoverage(source: Place): Network['blockCoverage'][string] {
  const known = BLOCK_COVERAGES.find((one) => one === source.value)
  if (known !== undefined) return known
  throw isWrong(source, `write one of ${BLOCK_COVERAGES.join(', ')}`)
}

function valuesOf<Value>(place: Place, read: (field: Place) => Value): Readonly<Record<string, Value>> {
  return Object.fromEntries(fieldsOf(place).map((field) => [field.key, read(field)]))
}

function fieldsOf({ file, path, key, value: object }: Place): readonly Place[] {
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    throw isWrong({ file, path, key, value: object }, 'write an object, { … }')
  return Object.entries(object).map(([name, value]) => ({
    file,
    path: path === '' ? name : `${path}.${name}`,
    key: name,
    value,
  }))
}

function isWrong(place: Place, hint: string): BackfillError {
  // JSON has no word for Infinity, which 1e400 becomes.
  const text = typeof place.value === 'number' ? String(place.value) : JSON.stringify(place.value)
  return wrong(place, place.value === undefined ? 'is missing' : `is ${text}`, hint)
}

function wrong({ file, path }: Place, problem: string, hint: string): BackfillError {
  const sentence = `${path === '' ? 'the content' : `'${path}'`} ${problem}`
  return fileError({ rule: 'E014', file, sentence, hint })
}
