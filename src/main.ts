#!/usr/bin/env node
// Owns the entry: refuses an old Node in one line, then hands the words and the terminal to the command line.

// An old Node reads this file too (as dist/main.js), so it stays modest and loads the rest on use. `process` is the
// global one everywhere: importing it would open stdin.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`backfill: needs Node 22.18 or newer, this is Node ${process.versions.node}.\n`)
  process.exitCode = 2
} else {
  // A reader that goes away (`backfill status | head -1`) is no error of ours; work that has begun goes on.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  const { runCli } = await import('./cli/run-cli.ts')
  process.exitCode = await runCli(process.argv.slice(2), process)
}
