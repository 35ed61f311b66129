// Owns the commands in hints: each carries the flags that were typed, so that it works at the same place. Pure.
import type { CommandEntry } from '../session/session.ts'
import type { Flags } from '../workspace/values.ts'

const PLACE =
  'network cluster accept-setting ledger-database embedded state sql env-file lag base-url folder'.split(' ')

const SHOWN =
  'json quiet no-color dry-run yes chunks limit sort watch check at output listen format run'.split(' ')

const RUNS = ['up', 'plan', 'run']

export type Typed = Pick<CommandEntry, 'name'> & { readonly flags: Flags }

/**
 * The text; each command in it has the typed flags that it knows: those of the place, and all where the hint is a bare
 * command. Behind the name of the command, where it is not known where the command ends: outside of backticks. To apply it twice
 * changes nothing.
 */
export function withTypedFlags(
  text: string,
  { name: typedCommand, flags }: Typed,
  commands: readonly CommandEntry[],
): string {
  const flagsFor = (name: string, rest: string): string =>
    [...flags]
      .flatMap(([flag, word]) => {
        const declared = commands.find((one) => one.name === name)?.flags.find((one) => one.name === flag)
        const fits = rest === '' ? !SHOWN.includes(flag) : PLACE.includes(flag)
        // `list` is named to show which tables there are. The tables of `import` are others; a pause of all tables ends for all of them.
        const isOther =
          (['tables', 'exclude'].includes(flag) && name === 'list') ||
          (flag === 'tables' && name === 'resume') ||
          (flag === 'tables' && (typedCommand === 'import') !== (name === 'import')) ||
          (['from', 'to'].includes(flag) && !RUNS.includes(typedCommand))
        if (declared === undefined || !fits || isOther || ` ${rest} `.includes(` --${flag} `)) return []
        return declared.value === undefined ? [` --${flag}`] : [` --${flag} ${forShell(word.text)}`]
      })
      .join('')
  return text
    .replaceAll(
      /`backfill ([a-z-]+)([^`\n]*)`/g,
      (_, name: string, rest: string) => `\`backfill ${name}${rest}${flagsFor(name, rest)}\``,
    )
    .replaceAll(
      /(?<![\w`/.-])backfill ([a-z-]+)(?=([ ;,)][^\n]*)?$)/gm,
      (_, name: string, rest = '') => `backfill ${name}${flagsFor(name, rest)}`,
    )
}

export function forShell(text: string): string {
  return /^[\w./:,@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
