// Owns making a history that fails as small as it can be, and telling it in lines that a person can read.
import type { Act, Fault, History } from './acts.ts'
import { play } from './play.ts'

/** What failed, without numbers and ids. */
const kindOf = (sentence: string): string => sentence.replaceAll(/[\d-]+/g, 'n').slice(0, 40)

/** Leaves out what is not needed for the same failure, and makes simple what is. */
export async function shrink(history: History, broken: readonly string[]): Promise<History> {
  const wanted = new Set(broken.map(kindOf))
  const fails = async (one: History) =>
    (await play(one)).broken.some((sentence) => wanted.has(kindOf(sentence)))
  let small = history
  for (let smaller: History | undefined = small; smaller !== undefined;) {
    small = smaller
    smaller = undefined
    for (const one of smallerThan(small))
      if (await fails(one)) {
        smaller = one
        break
      }
  }
  return small
}

function* smallerThan(history: History): Generator<History> {
  const { tables, acts, faults } = history
  // The last act first: what comes early moves what comes later.
  for (const index of [...acts.keys()].toReversed())
    if (acts.length > 1) yield { ...history, acts: acts.toSpliced(index, 1) }
  for (const index of faults.keys()) yield { ...history, faults: faults.toSpliced(index, 1) }
  // echo reads plain, and may be left out before it.
  for (const index of [...tables.keys()].toReversed())
    if (tables.length > 1 && !(tables[index] === 'plain' && tables.includes('echo')))
      yield { ...history, tables: tables.toSpliced(index, 1) }
  for (const [index, act] of acts.entries())
    if (act.act === 'up' && (act.jobs > 1 || act.chunk < 6))
      yield { ...history, acts: acts.with(index, { ...act, jobs: 1, chunk: 6 }) }
}

/** A line for each act and fault, then the history as a test takes it. */
export function tell(history: History): string {
  const { seed, tables, acts, faults } = history
  return [
    `seed ${seed}, tables ${tables.join(', ')}`,
    ...acts.map(actText),
    ...faults.map(faultText),
    JSON.stringify(history),
  ].join('\n')
}

function actText({ at, act, ...rest }: Act): string {
  return `  at ${(at / 1000).toFixed(1)} s: ${act} ${Object.entries(rest)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`
}

function faultText({ fault, statement, nth, ...rest }: Fault): string {
  return `  '${statement}', number ${nth}: ${fault} ${Object.entries(rest)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`
}
