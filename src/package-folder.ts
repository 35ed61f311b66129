// Owns the folder of this package on disk: sql/ and package.json are beside src/, and beside dist/ when it is built.

/** Ends in `/`. This file and its bundle are one folder deep. */
export const PACKAGE_FOLDER = new URL('..', import.meta.url)
