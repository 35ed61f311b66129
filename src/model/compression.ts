// Owns the ways in which rows cross from one server to another.

/**
 * `lz4`: ClickHouse's own compressed blocks, which every user may ask for. `zstd`: half as many bytes for more CPU; the
 * source's user must be allowed to set it. `none`: as they are.
 */
export type Compression = (typeof WIRE_NAMES)[number]

export const WIRE_NAMES = ['lz4', 'zstd', 'none'] as const

export const DEFAULT_COMPRESSION: Compression = 'lz4'
