// Owns the end of an orphan. `kill -9` of npm, of the launcher or of a test runner tells nobody below it, so every
// process that loads this file ends itself when its parent is another one than at its start. The embedded server
// needs no such help: it is the end of the chain, and its stdin ends with the process that started it.

import { readFileSync } from 'node:fs'

const parent = process.ppid
// Some shells (older dash) stay between npm and its script, and outlive npm: then the shell's parent counts too.
const shellStays = procFile(parent, 'cmdline')?.split('\0')[1] === '-c'
const lineage = () => (shellStays ? `${process.ppid} ${parentOf(parent)}` : `${process.ppid}`)
const atStart = lineage()

setInterval(() => {
  // As hard as the parent's end: whatever this process leaves behind is made to be found and taken up again.
  if (lineage() !== atStart) process.kill(process.pid, 'SIGKILL')
}, 250).unref()

function parentOf(pid) {
  return procFile(pid, 'stat')
    ?.replace(/^.*\) \S /s, '')
    .split(' ')[0]
}

/** Undefined where there is no /proc: macOS, whose sh hands its process over to the script. */
function procFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined
  }
}
