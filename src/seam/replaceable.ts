// Owns how a test replaces a part of this machine: its own is in force until another one is installed.

export function replaceable<Part>(own: Part) {
  let present = own
  /** For tests only. Returns a function that restores the machine's own. */
  const replace = (other: Part) => {
    present = other
    return () => void (present = own)
  }
  return { present: () => present, replace }
}
