// Owns that the same question is asked once at a time, and only so many different ones together. Pure.

/**
 * A function that hands out the answer that is under way for a key, or starts to read it; undefined if `most` others are
 * under way. Nothing is kept: who asks after the answer gets a new one.
 */
export function sharedReads<T>(most: number) {
  const underWay = new Map<string, Promise<T>>()
  return (key: string, read: () => Promise<T>): Promise<T> | undefined => {
    const found = underWay.get(key)
    if (found !== undefined) return found
    if (underWay.size >= most) return undefined
    const started = read().finally(() => underWay.delete(key))
    underWay.set(key, started)
    return started
  }
}
