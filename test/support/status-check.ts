// Owns asking `status --check` of one table: its exit code, which the JSON names, too, its state, and the codes of all reasons.
import { expect } from 'vitest'

type Run = (words: string) => Promise<{
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}>

export const checkedBy =
  (run: Run) =>
  async (more = '') => {
    const { code, stdout, stderr } = await run(`status --check --json${more}`)
    const { tables, check } = JSON.parse(stdout) as {
      readonly tables: readonly { readonly state: string }[]
      readonly check: {
        readonly exit: number
        readonly reasons: readonly { exit: number; text: string }[]
      }
    }
    expect(check.exit).toBe(code)
    return { code, state: tables[0]!.state, exits: check.reasons.map(({ exit }) => exit), stderr }
  }
