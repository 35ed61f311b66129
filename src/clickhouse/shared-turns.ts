// Owns questions that many ask at nearly the same time: one is under way, and whoever comes meanwhile shares the next.

/** `ask` is never answered by a question that began before the call. @throws what `ask` throws (the function) */
export function sharedTurns<Answer>(
  ask: (about: readonly string[]) => Promise<Answer>,
): (about: readonly string[]) => Promise<Answer> {
  let present: Promise<unknown> = Promise.resolve()
  let next: { readonly about: Set<string>; readonly answer: Promise<Answer> } | undefined
  return (about) => {
    if (next === undefined) {
      const names = new Set<string>()
      const answer = present.then(() => {
        next = undefined
        return ask([...names])
      })
      present = answer.catch(() => undefined)
      next = { about: names, answer }
    }
    for (const name of about) next.about.add(name)
    return next.answer
  }
}
