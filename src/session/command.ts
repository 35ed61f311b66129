// Owns what a command is handed: its typed words, the configuration, and where its lines go.
import type { Flags } from '../workspace/values.ts'
import type { Config } from '../workspace/config.ts'
import type { Output } from '../terminal/output.ts'
import type { Flag } from '../terminal/argv.ts'

export type Context = { readonly flags: Flags; readonly config: Config; readonly output: Output }

/** Does the work and resolves to the exit code; what a person must know beyond that is thrown as a BackfillError. */
export type Command = (context: Context) => Promise<number>

export type CommandEntry = {
  readonly name: string
  readonly about: string
  readonly flags: readonly Flag[]
  /** Flags that the command always has, as if they were typed. */
  readonly implied?: Readonly<Record<string, string>>
  /** Loads the code on use: `--help` and usage errors must not wait for the ClickHouse client. */
  readonly load: () => Promise<Command>
}
