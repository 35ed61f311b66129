// Owns what a command is handed: its typed words, the configuration, and where its lines go.
import type { Flags } from '../workspace/values.ts'
import type { Config } from '../workspace/config.ts'
import type { Output } from '../terminal/output.ts'
import type { Flag } from '../terminal/argv.ts'

export type Context = { readonly flags: Flags; readonly config: Config; readonly output: Output }

/** Does the work and resolves to the exit code; what a person must know beyond that is thrown as a BackfillError. */
export type Command = (context: Context) => Promise<number>

/** Exit code -> when a command ends with it. */
export type ExitCodes = Readonly<Record<string, string>>

export type CommandEntry = {
  readonly name: string
  /** What it does, as an imperative without a full stop; one line of the list of commands. */
  readonly about: string
  /** What follows its name in the usage line. */
  readonly usage: string
  readonly flags: readonly Flag[]
  readonly exits: ExitCodes
  /** What the example does -> the words behind `backfill`. */
  readonly examples: Readonly<Record<string, string>>
  /** It works on tables that have to be named, by --tables or --all. */
  readonly needsChoice?: true
  /** Flags that the command always has, as if they were typed. */
  readonly implied?: Readonly<Record<string, string>>
  /** Loads the code on use: `--help` and usage errors must not wait for the ClickHouse client. */
  readonly load: () => Promise<Command>
}
