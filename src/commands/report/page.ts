// Owns the page: the files of page/ and the charts' library around the data, in one document that asks for nothing else.
import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { PACKAGE_FOLDER } from '../../package-folder.ts'

/** In the order in which they use each other. */
const SCRIPTS = 'dom format coverage graph detail charts history network main'.split(' ')

/** `policy`: the Content-Security-Policy of the page, for a header; the page itself has it, too. */
export type Page = { readonly html: string; readonly policy: string }

const read = (name: string) => readFile(new URL(`page/${name}`, PACKAGE_FOLDER), 'utf8')

/** `data`: a JSON document. What it holds stays data, whatever it is. */
export async function pageOf(data: string): Promise<Page> {
  // The build lays them beside its bundle.
  const isBuilt = !import.meta.url.endsWith('.ts')
  const { resolve } = createRequire(import.meta.url)
  const library = (name: string) =>
    readFile(isBuilt ? new URL(name, import.meta.url) : resolve(`uplot/dist/${name}`), 'utf8')
  const [template, css, ...scripts] = await Promise.all([
    read('index.html'),
    Promise.all([library('uPlot.min.css'), read('page.css')]),
    library('uPlot.iife.min.js'),
    ...SCRIPTS.map((name) => read(`${name}.js`)),
  ])
  const style = css.join('\n')
  // One module: each file's imports name the files before it.
  const script = scripts
    .join('\n')
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(/^export /gm, '')
  const policy = [
    `default-src 'none'`,
    `script-src ${hashed(script)}`,
    `style-src ${hashed(style)}`,
    `img-src data:`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ')
  // JSON has `<` in strings only; without it nothing can end the element.
  const parts: Readonly<Record<string, string>> = {
    policy,
    style,
    script,
    data: data.replaceAll('<', '\\u003c'),
  }
  return { html: template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => parts[name]!), policy }
}

function hashed(text: string): string {
  return `'sha256-${hash('sha256', text, 'base64')}'`
}
