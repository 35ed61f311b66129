// Owns defects that a transform must not have, each as an edit of its text, and the shipped tests that catch it.
import type { TableDefinition } from '../../src/model/model.ts'

export type Mutation = {
  readonly what: string
  /** One mutant for each place where it fits, or a single one if it is `everywhere`. */
  readonly find: RegExp
  readonly put: string
  readonly by: string | readonly string[]
  readonly everywhere?: true
  /** Only in these tables; all in which `find` fits where it is not given. */
  readonly tables?: RegExp
}

export type Mutant = {
  /** `address_diffs: FINAL left out (2)`: the number counts the places where the edit fits. */
  readonly name: string
  readonly table: TableDefinition
  /** File names, without ending, of the tests of which one must fail. */
  readonly caughtBy: readonly string[]
}

/** Every mutant of a table's transform. */
export function mutantsOf(table: TableDefinition, mutations: readonly Mutation[]): readonly Mutant[] {
  return mutations
    .filter(({ tables }) => tables?.test(table.key) ?? true)
    .flatMap((mutation) => {
      const { what, find, put, by, everywhere } = mutation
      const { text } = table.transform
      const places = [...text.matchAll(new RegExp(find, `${find.flags}g`))].map(({ index }) => index)
      const edit = (at: number) => text.slice(0, at) + text.slice(at).replace(find, put)
      const texts =
        everywhere && places.length > 0
          ? [text.replaceAll(new RegExp(find, `${find.flags}g`), put)]
          : places.map(edit)
      return texts.map((mutated, index) => ({
        name: `${table.key}: ${what}${texts.length > 1 ? ` (${index + 1})` : ''}`,
        table: { ...table, transform: { ...table.transform, text: mutated } },
        caughtBy: [by].flat(),
      }))
    })
}

/** The mutations that fit no transform at all: they prove nothing. */
export function idleMutations(
  mutations: readonly Mutation[],
  tables: readonly TableDefinition[],
): readonly string[] {
  const names = tables.flatMap((table) =>
    mutantsOf(table, mutations).map(({ name }) => name.replace(/^\w+: | \(\d+\)$/g, '')),
  )
  return mutations.map(({ what }) => what).filter((what) => !names.includes(what))
}
