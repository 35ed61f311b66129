// Owns the type of a command and its context: typed words, configuration, output.
import type { Flags } from '../workspace/values.ts'
import type { Config } from '../workspace/config.ts'
import type { Output } from '../terminal/output.ts'
import type { Flag, FlagRules } from '../terminal/argv.ts'

export type Context = {
  readonly flags: Flags
  readonly config: Config
  readonly output: Output
  /** One for each network, of a command that works on several together; the first one is this one. */
  readonly each?: readonly Context[]
}

export type Command = (context: Context) => Promise<number>

export type ExitCodes = Readonly<Record<string, string>>

export type CommandEntry = FlagRules & {
  readonly name: string
  /** Its purpose, as an imperative without a full stop; one line of the list of commands. */
  readonly about: string
  readonly usage: string
  readonly flags: readonly Flag[]
  readonly exits: ExitCodes
  readonly examples: Readonly<Record<string, string>>
  readonly needsChoice?: true
  /** It may work on several networks: `--network a,b`, `--network all`. */
  readonly networks?: 'one by one' | 'together'
  /** With this, `flag=value`, it works on them together. */
  readonly together?: string
  /** Flags that the command always has, as if they were typed. */
  readonly implied?: Readonly<Record<string, string>>
  /** Loads the code on use: `--help` and usage errors must not wait for the ClickHouse client. */
  readonly load: () => Promise<Command>
}

/** `usage` without a value: of tables; the flags without the common ones. */
export type DeclaredEntry = Omit<CommandEntry, 'usage' | 'flags' | 'exits'> &
  Partial<Pick<CommandEntry, 'usage' | 'exits'>> & {
    readonly flags: readonly (Flag | string)[]
    /** It asks no configured server: it has no common flags. */
    readonly isLocal?: boolean
  }
