// Owns the two words between the shells' scripts and the program.

/** The first word of a script's question; the shell's name and the half-typed line follow. No command for people. */
export const QUESTION = '__complete'

/** The whole answer where a folder is wanted: the shell completes it itself. */
export const FOLDER = ':folder'
