#!/usr/bin/env node
// Owns the entry: rejects an old Node with one line, then passes arguments and terminal to the command line.

// An old Node reads this file too (as dist/main.js), so it uses old syntax and loads the rest on use. `process` is the
// global everywhere, because importing it would open stdin.
// NO_COLOR wins here; Node would warn of the opposite.
if (process.env['NO_COLOR']) delete process.env['FORCE_COLOR']
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `backfill: needs Node 22.18 or newer, this is Node ${process.versions.node}.
  npm install node@24 puts one beside the package, which npx uses; https://nodejs.org has others\n`,
  )
  process.exitCode = 2
} else {
  const { identity } = await import('./seam/process.ts')
  if (identity().pid === 1) {
    const { runInChild } = await import('./terminal/signals.ts')
    process.exitCode = await runInChild(process)
  } else {
    const { outliveOutput } = await import('./terminal/lost-output.ts')
    const { runCli } = await import('./cli/run-cli.ts')
    outliveOutput(process)
    process.exitCode = (await runCli(process.argv.slice(2), process)) || process.exitCode
  }
}
