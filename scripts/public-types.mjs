// Owns which declarations of dist/types are published: those that src/index.ts exports, and what they name. The others would
// name packages that are bundled, which nobody has installed. As tsc writes them, each begins at the left margin.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const BEGINS = /^(?:export|declare|import|type|interface|const|function|class)\b/
const IMPORT = /^import (?:type )?(?:\* as )?(?:(\w+)(?:, )?)?(?:\{([^}]*)\})? ?from '([^']+)';/
const REEXPORT = /^export (?:type )?\{([^}]*)\}(?: from '([^']+)')?;/

/** Leaves in `folder` only what `index.d.ts` exports and what that names. @throws Error for a package in it */
export function trimTypes(folder) {
  const files = new Map()
  const wanted = new Set()
  const fileOf = (path) => {
    if (!files.has(path)) files.set(path, readDeclarations(path))
    return files.get(path)
  }
  const want = (path, name) => {
    if (wanted.has(`${path} ${name}`)) return
    wanted.add(`${path} ${name}`)
    const { statements, names } = fileOf(path)
    for (const at of names.get(name) ?? []) {
      const one = statements[at]
      one.isKept = true
      const from = one.from?.startsWith('.')
        ? resolve(dirname(path), one.from.replace(/\.ts$/, '.d.ts'))
        : undefined
      for (const { local, there } of one.binds.filter((bind) => bind.local === name)) {
        one.bound.add(local)
        if (from !== undefined) want(from, there)
        else if (one.from === undefined && there !== local) want(path, there)
      }
      for (const word of one.words) if (word !== name && names.has(word)) want(path, word)
    }
  }
  const index = join(folder, 'index.d.ts')
  for (const name of fileOf(index).names.keys()) want(index, name)
  for (const entry of readdirSync(folder, { recursive: true })) {
    const path = join(folder, entry)
    if (!path.endsWith('.d.ts')) continue
    const kept = files.get(path)?.statements.filter(({ isKept }) => isKept) ?? []
    if (kept.length === 0) rmSync(path)
    else writeFileSync(path, `${kept.map(written).join('\n')}\n`)
    const foreign = kept.find(({ from, text }) => (from && !from.startsWith('.')) || /\bimport\(/.test(text))
    if (foreign) throw new Error(`${entry}: types of the library must not need a package: ${foreign.text}`)
  }
}

/** The statements of a declaration file, each with its comment, what it declares or binds, and the words in it. */
function readDeclarations(path) {
  const statements = []
  let comment = []
  let isComment = false
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) {
    if (line.startsWith('/**') || isComment) {
      comment.push(line)
      isComment = !line.includes('*/')
    } else if (BEGINS.test(line)) {
      statements.push([...comment, line])
      comment = []
    } else statements.at(-1)?.push(line)
  }
  const names = new Map()
  const parsed = statements.map((lines, at) => {
    const text = lines.join('\n')
    const code = text.replaceAll(/\/\*[^]*?\*\//g, '').trim()
    const [imported, exported] = [IMPORT.exec(code), REEXPORT.exec(code)]
    const listed = imported ? imported[2] : exported?.[1]
    const binds = (listed ?? '').split(',').flatMap((part) => {
      const [there, local = there] = part
        .trim()
        .replace(/^type /, '')
        .split(' as ')
      return there === '' ? [] : [{ there, local }]
    })
    if (imported?.[1]) binds.push({ there: 'default', local: imported[1] })
    const declared =
      /^(?:export )?(?:declare )?(?:default )?(?:abstract )?(?:type|interface|const|function|class|enum) (\w+)/.exec(
        code,
      )
    for (const name of declared ? [declared[1]] : binds.map(({ local }) => local))
      names.set(name, [...(names.get(name) ?? []), at])
    const words = declared || exported ? new Set(code.match(/\w+/g)) : new Set()
    return {
      text,
      binds,
      from: imported?.[3] ?? exported?.[2],
      words,
      bound: new Set(),
      isKept: false,
      isImport: imported !== null,
    }
  })
  return { statements: parsed, names }
}

/** An import names only what is kept. */
function written({ text, binds, bound, isImport, from }) {
  if (!isImport || binds.length === 0) return text
  const list = binds.filter(({ local }) => bound.has(local))
  return `import type { ${list.map(({ there, local }) => (there === local ? local : `${there} as ${local}`)).join(', ')} } from '${from}';`
}
