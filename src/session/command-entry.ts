// Owns the form of a command's entry: what it is called, says, takes, and where its code is.
import type { Flag } from '../terminal/argv.ts'
import type { Command } from './command.ts'

export type CommandEntry = {
  readonly name: string
  readonly about: string
  readonly flags: readonly Flag[]
  /** Flags that the command always has, as if they were typed. */
  readonly implied?: Readonly<Record<string, string>>
  /** Loads the code on use: `--help` and usage errors must not wait for the ClickHouse client. */
  readonly load: () => Promise<Command>
}
