// Owns asking about many sources at once: what is asked about the same blocks in one turn is one query for all sources.

type Ask<Answer> = (sources: readonly string[]) => Promise<ReadonlyMap<string, Answer>>

/** `ask` asks question `about` for all sources of this turn. The last `most` answers are kept for whoever asks the same again. */
export function makeShared<Answer>(most: number) {
  const answers = new Map<string, Promise<Answer | undefined>>()
  const open = new Map<string, { sources: Set<string>; found: ReturnType<Ask<Answer>> }>()

  async function join(source: string, about: string, ask: Ask<Answer>): Promise<Answer | undefined> {
    const sources = open.get(about)?.sources ?? new Set()
    const found =
      open.get(about)?.found ??
      Promise.resolve().then(() => {
        open.delete(about)
        return ask([...sources])
      })
    open.set(about, { sources, found })
    sources.add(source)
    return (await found).get(source)
  }

  return (source: string, about: string, ask: Ask<Answer>): Promise<Answer | undefined> => {
    const key = `${about} ${source}`
    const answer = answers.get(key) ?? join(source, about, ask)
    // Least recently used answers are dropped first. A failed answer is not kept.
    answers.delete(key)
    answers.set(key, answer)
    answer.catch(() => answers.delete(key))
    if (answers.size > most) answers.delete([...answers.keys()][0]!)
    return answer
  }
}
