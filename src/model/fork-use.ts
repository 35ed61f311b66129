// Owns the type of a transform's use of a fork.

/**
 * `from`: it tells blocks before the fork from those at or after it. `after`: it tells blocks up to the fork from those
 * after it. `anyhow`: in any other way, so that every row may depend on it.
 */
export type ForkUse = { readonly fork: string; readonly use: 'from' | 'after' | 'anyhow' }
