// Owns the names of locks.

/** Digits of a zero-padded epoch: UInt64's longest, so that names sort as numbers do. */
export const EPOCH_DIGITS = 20

/** The last epoch that a number can hold exactly. A lock with a greater one was made by nobody's run, and is ignored. */
export const MAX_EPOCH = String(Number.MAX_SAFE_INTEGER).padStart(EPOCH_DIGITS, '0')

/** Name of a lock's table or row: `<network>__<key>__<epoch>`. Neither network nor key contains `__`. */
export function lockName(lock: {
  readonly network: string
  readonly key: string
  readonly epoch: number
}): string {
  return lockPrefix(lock) + String(lock.epoch).padStart(EPOCH_DIGITS, '0')
}

/** Common prefix of the names of all epochs of one lock; prefix and length together identify them. */
export function lockPrefix({ network, key }: { readonly network: string; readonly key: string }): string {
  return `${network}__${key}__`
}
