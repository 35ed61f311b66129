// Owns the shape of a wall that the simulation must miss: what, file in src, text, and what takes its place.
/** `find` stands exactly once in the file. */
export type Guard = readonly [what: string, file: string, find: string, put: string]
