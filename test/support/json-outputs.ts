// Owns the check of every JSON document that the program prints in a test, by the schemas that the package ships.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

const ajv = new Ajv2020({ strict: true, allowUnionTypes: false, formats: { 'date-time': true } })
const validators = new Map<string, ValidateFunction>()
const checked = new Map<string, number>()

/** The documents of this worker so far, by command; `error` for those of commands that failed. */
export const checkedDocuments: ReadonlyMap<string, number> = checked

/** Checks the lines of a command's stdout, if it was asked for JSON. @throws Error for a line that its schema does not know */
export function checkJsonOutput(argv: readonly string[], { stdout }: { readonly stdout: string }): void {
  if (!argv.includes('--json')) return
  for (const line of stdout.split('\n')) if (line !== '') checkDocument(line)
}

/** Checks one document. */
export function checkDocument(line: string): void {
  const document = JSON.parse(line) as { readonly command: string | null; readonly event?: string }
  const validate = validatorFor(document.command ?? 'error')
  const isValid: boolean = validate(document)
  if (!isValid) {
    const faults = validate.errors?.filter(({ keyword }) => !['anyOf', 'const'].includes(keyword)) ?? []
    const texts = faults.map((one) => `${one.instancePath} ${one.message} ${JSON.stringify(one.params)}`)
    throw new Error(
      `schema/${document.command ?? 'error'}.json does not describe ${line.slice(0, 2_000)}\nDescribe the keys in scripts/json, then \`npm run docs\`:\n${texts.join('\n')}`,
    )
  }
  const name = document.event === 'error' ? 'error' : document.command!
  checked.set(name, (checked.get(name) ?? 0) + 1)
  const count = process.env['BACKFILL_TEST_JSON_COUNT']
  if (count !== undefined) appendFileSync(count, `${name}\n`)
}

function validatorFor(command: string): ValidateFunction {
  const found = validators.get(command)
  if (found !== undefined) return found
  const file = join(import.meta.dirname, `../../schema/${command}.json`)
  if (!existsSync(file)) throw new Error(`there is no schema/${command}.json: describe it in scripts/json`)
  const compiled = ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object)
  validators.set(command, compiled)
  return compiled
}
