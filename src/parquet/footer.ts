// Owns the footer of a Parquet file, as far as an import needs it: the names of the columns and the number of rows.
// The footer is a struct of Thrift's compact protocol; what is of no interest is stepped over.

export type Footer = { readonly columns: ReadonlySet<string>; readonly rows: number }

/** Every Parquet file begins and ends with it; before the one at the end stands the length of the footer, in 4 bytes. */
export const MAGIC = Buffer.from('PAR1')
export const TRAILER_BYTES = 8

/** Reads a footer without its trailer. @throws Error where it is none */
export function readFooter(bytes: Buffer): Footer {
  const input = new CompactInput(bytes)
  let elements: readonly SchemaElement[] = []
  let rows = 0
  input.struct({
    2: () => (elements = input.list(() => schemaElement(input))),
    3: () => (rows = input.integer()),
  })
  return { columns: topNames(elements), rows }
}

type SchemaElement = { readonly name: string; readonly children: number }

function schemaElement(input: CompactInput): SchemaElement {
  let [name, children] = ['', 0]
  input.struct({ 4: () => (name = input.text()), 5: () => (children = input.integer()) })
  return { name, children }
}

/** The schema is a tree in depth-first order; the root's children are the columns. */
function topNames([root, ...elements]: readonly SchemaElement[]): ReadonlySet<string> {
  const names = new Set<string>()
  let at = 0
  for (let column = 0; column < (root?.children ?? 0); column++) {
    names.add(elements[at]?.name ?? '')
    for (let open = 1; open > 0 && at < elements.length; at++) open += elements[at]!.children - 1
  }
  return names
}

const [TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT] = [1, 2, 3, 7, 8, 9, 10, 11, 12]

class CompactInput {
  #at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Reads a struct: `fields` by their ids take theirs, the rest is skipped. */
  struct(fields: Readonly<Record<number, () => unknown>>): void {
    let id = 0
    for (let header = this.#byte(); header !== 0; header = this.#byte()) {
      const step = header >> 4
      id = step === 0 ? this.integer() : id + step
      const read = fields[id]
      if (read === undefined) this.#skip(header & 15)
      else read()
    }
  }

  list<Value>(read: () => Value): readonly Value[] {
    const { length } = this.#listHeader()
    return Array.from({ length }, read)
  }

  text(): string {
    const end = this.#moved(this.#unsigned())
    return this.#bytes.toString('utf8', end.from, end.to)
  }

  /** Zigzag: the sign is the lowest bit. */
  integer(): number {
    const value = this.#unsigned()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  #unsigned(): number {
    let [value, factor] = [0, 1]
    for (;;) {
      const byte = this.#byte()
      value += (byte & 127) * factor
      if (byte < 128) return value
      factor *= 128
    }
  }

  #byte(): number {
    const { from } = this.#moved(1)
    return this.#bytes[from]!
  }

  #moved(length: number): { readonly from: number; readonly to: number } {
    const [from, to] = [this.#at, this.#at + length]
    if (to > this.#bytes.length) throw new Error('the footer ends too early')
    this.#at = to
    return { from, to }
  }

  #listHeader(): { readonly length: number; readonly type: number } {
    const header = this.#byte()
    const length = header >> 4 === 15 ? this.#unsigned() : header >> 4
    if (length > this.#bytes.length) throw new Error('a list is longer than the footer')
    return { length, type: header & 15 }
  }

  /** In a struct the type says what a boolean is; in a list it takes a byte. */
  #skip(type: number, inList = false): void {
    if (type === TRUE || type === FALSE) return inList ? void this.#moved(1) : undefined
    if (type === BYTE) return void this.#moved(1)
    if (type === DOUBLE) return void this.#moved(8)
    if (type === BINARY) return void this.#moved(this.#unsigned())
    if (type === STRUCT) return this.struct({})
    if (type === LIST || type === SET) {
      const { length, type: item } = this.#listHeader()
      for (let index = 0; index < length; index++) this.#skip(item, true)
      return
    }
    if (type === MAP) {
      const pairs = this.#unsigned()
      const types = pairs === 0 ? 0 : this.#byte()
      for (let index = 0; index < pairs; index++) {
        this.#skip(types >> 4, true)
        this.#skip(types & 15, true)
      }
      return
    }
    this.#unsigned()
  }
}
