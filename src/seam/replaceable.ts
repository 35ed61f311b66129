// Owns how a test replaces a part of this machine: its own is in force until another one is installed.

export function replaceable<Part>(own: Part) {
  let [present, concerns] = [own, () => true]
  /** For tests only: for callers that it concerns. Returns a function that restores the machine's own. */
  const replace = (other: Part, whom = () => true) => {
    ;[present, concerns] = [other, whom]
    return () => void (present = own)
  }
  return { present: () => (concerns() ? present : own), replace }
}
