// Owns the parsing of YAML into a tree: every node has its place, and every scalar is the text of the file.
import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import { BackfillError } from '../../model/errors.ts'

/** `place` is `file:line:column`. */
export type YamlNode = { readonly place: string } & (
  | { readonly kind: 'scalar'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'list'; readonly items: readonly YamlNode[] }
  | { readonly kind: 'map'; readonly entries: readonly YamlEntry[] }
)

export type YamlEntry = { readonly key: string; readonly place: string; readonly value: YamlNode }

/** An error of a test file; `place` as of a node, or the file. */
export function testError(place: string, sentence: string, hint: string): BackfillError {
  const [, file = place, line = '1'] = /^(.*):(\d+):\d+$/s.exec(place) ?? []
  const finding = { rule: 'E016', file, line: Number(line), sentence, hint } as const
  return new BackfillError(`${place}: ${sentence}`, { kind: 'usage', hint, finding })
}

/** Nothing is cast: the column's type decides what a scalar means. @throws BackfillError `usage` with the first place */
export function parseYaml(file: string, text: string): YamlNode {
  const tooDeep = () => testError(file, `is nested more than ${MAX_DEPTH} levels deep`, 'correct the file')
  if (nestsDeep(text)) throw tooDeep()
  try {
    return documentTree(file, text)
  } catch (error) {
    // There are more ways to nest than `nestsDeep` knows, and the parser calls itself for each level.
    throw error instanceof RangeError ? tooDeep() : error
  }
}

function documentTree(file: string, text: string): YamlNode {
  const lines = new LineCounter()
  // `uniqueKeys` would compare each key with each other one.
  const options = { schema: 'failsafe', prettyErrors: false, uniqueKeys: false } as const
  const document = parseDocument(text, { ...options, lineCounter: lines })
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line || 1}:${col || 1}`
  }
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) {
    const sentence = error.message
      .replace(/; please use .*/, '')
      .replace(/^./, (first) => first.toLowerCase())
    throw testError(placeOf(error.pos[0]), `is not valid YAML: ${sentence}`, 'correct the file')
  }

  let repeated = 0
  function tree(node: ParsedNode | null, offset: number, isCopy = false): YamlNode {
    const place = placeOf(node?.range[0] ?? offset)
    if ((isCopy ||= isAlias(node)) && ++repeated > MAX_REPEATED)
      throw testError(
        place,
        `its aliases stand for more than ${MAX_REPEATED} values`,
        'write the rows out instead of *alias, or split the test',
      )
    const meant = isAlias(node) ? (node.resolve(document) as ParsedNode | undefined) : node
    if (isMap(meant)) {
      const names = new Set<string>()
      const entries = meant.items.map(({ key, value }) => {
        const [name, at] = [isScalar(key) ? String(key.value) : '', placeOf(key.range[0])]
        if (names.has(name)) throw testError(at, `the key '${name}' stands twice`, 'correct the file')
        names.add(name)
        return { key: name, place: at, value: tree(value, key.range[1], isCopy) }
      })
      return { kind: 'map', place, entries }
    }
    if (isSeq(meant))
      return { kind: 'list', place, items: meant.items.map((item) => tree(item, offset, isCopy)) }
    const quoted = isScalar(meant) && meant.type !== 'PLAIN'
    return { kind: 'scalar', place, text: isScalar(meant) ? String(meant.value) : '', quoted }
  }
  return tree(document.contents, 0)
}

const MAX_DEPTH = 200

/** The parser calls itself for each level, and takes quadratic time. Brackets in texts count, too. */
function nestsDeep(text: string): boolean {
  let open = 0
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open = Math.max(0, open + ('[{'.includes(bracket) ? 1 : -1))
    if (open > MAX_DEPTH) return true
  }
  return new RegExp(`^ {${MAX_DEPTH},}\\S|(?:[-?:][ \\t]+){${MAX_DEPTH}}`, 'm').test(text)
}

/** Values that all aliases of a file may stand for: aliases of aliases multiply. */
const MAX_REPEATED = 1000
