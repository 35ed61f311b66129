// Owns where this package lies on disk: sql/ and package.json stand beside src/, and beside dist/ when it is built.

/** Ends in `/`. This file and the bundle of it are one folder deep. */
export const PACKAGE_FOLDER = new URL('..', import.meta.url)
