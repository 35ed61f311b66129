// Owns the names of the compressions between two servers.

/**
 * `lz4`: ClickHouse's own compressed blocks, available to every user. `zstd`: half as many bytes for more CPU; the
 * source's user must be allowed to set it. `none`: uncompressed.
 */
export type Compression = (typeof WIRE_NAMES)[number]

export const WIRE_NAMES = ['lz4', 'zstd', 'none'] as const

export const DEFAULT_COMPRESSION: Compression = 'lz4'
