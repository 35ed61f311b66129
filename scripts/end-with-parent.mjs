// Owns ending orphaned processes. `kill -9` of npm, of the launcher or of a test runner does not reach its children, so
// every process that loads this file ends itself when its parent has changed. The embedded server does not need this:
// its stdin ends with the process that started it.

import { readFileSync } from 'node:fs'

const parent = process.ppid
// Some shells (older dash) stay between npm and its script, and outlive npm: then watch the shell's parent, too.
const shellStays = procFile(parent, 'cmdline')?.split('\0')[1] === '-c'
const lineage = () => (shellStays ? `${process.ppid} ${parentOf(parent)}` : `${process.ppid}`)
const atStart = lineage()

setInterval(() => {
  // As abruptly as the parent ended: the next run recovers everything that this process leaves behind.
  if (lineage() !== atStart) process.kill(process.pid, 'SIGKILL')
}, 250).unref()

function parentOf(pid) {
  return procFile(pid, 'stat')
    ?.replace(/^.*\) \S /s, '')
    .split(' ')[0]
}

/** Undefined without /proc (macOS, whose sh replaces itself by the script). */
function procFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined
  }
}
