// Owns the types of a package that has none.
declare module 'parse-prometheus-text-format' {
  type Family = {
    readonly name: string
    readonly help: string
    readonly type: string
    readonly metrics: readonly { readonly value: string; readonly labels: Readonly<Record<string, string>> }[]
  }
  /** The families of a text in the exposition format. */
  const parse: (text: string) => readonly Family[]
  export default parse
}
