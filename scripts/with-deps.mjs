// Owns running a program on a fresh machine: installs the dependencies if package.json has changed, then runs the
// program under a Node that can run TypeScript: `with-deps.mjs <file> [argument …]`. Plain JavaScript, Node >= 20.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const stamp = join(modules, '.backfill-installed')
const lock = join(modules, '.backfill-installing')
const minimum = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '')
const endWithParent = new URL('end-with-parent.mjs', import.meta.url).href

// Not when started by hand: `nohup … &` outlives its terminal.
if (process.env.npm_lifecycle_event) await import(endWithParent)

process.exitCode = (await installIfChanged()) || (await runProgram(process.argv.slice(2)))

/** Two launchers at once install once. Resolves to npm's exit code, 0 where nothing was to do. */
async function installIfChanged() {
  const wanted = fingerprint()
  if (read(stamp) === wanted) return 0
  mkdirSync(modules, { recursive: true })
  await takeLock()
  try {
    if (read(stamp) === wanted) return 0
    say('installing dependencies')
    const code = await run('npm', installArguments(), { stdio: ['ignore', 2, 2] }) // stdout is the program's
    if (code === 0) writeFileSync(stamp, wanted) // last, so that a broken installation is done again
    return code
  } finally {
    rmSync(lock, { force: true })
  }
}

function runProgram(args) {
  const node = findNode()
  if (node === undefined) {
    say(`Node ${minimum} or newer is needed, and this is ${process.version}.`)
    say('The one among the dependencies is missing because npm is set to ignore-scripts. To fetch it:')
    say('npm rebuild node --ignore-scripts=false')
    return 2
  }
  const path = [join(modules, '.bin'), process.env.PATH].join(delimiter)
  // Without this cache each start strips the types of a hundred files again, which is half of its time.
  const cache = process.env.NODE_COMPILE_CACHE ?? join(modules, '.cache', 'backfill')
  return run(node, ['--import', endWithParent, ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH: path, NODE_COMPILE_CACHE: cache },
  })
}

function findNode() {
  if (process.versions.node.localeCompare(minimum, 'en', { numeric: true }) >= 0) return process.execPath
  const bundled = join(modules, 'node', 'bin', 'node')
  return existsSync(bundled) ? bundled : undefined
}

/** Runs a command in the project's folder, passes signals on, and resolves to its exit code as a shell counts it. */
function run(command, args, options) {
  const child = spawn(command, args, { cwd: root, ...options })
  // In a terminal Ctrl-C reaches the whole group: passed on, it would count as the second one.
  const inTerminal = [0, 1, 2].some((fd) => isatty(fd))
  const pass = (signal) => (signal === 'SIGINT' && inTerminal) || child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, pass)
  return new Promise((resolve) => {
    child.once('error', (error) => {
      say(`cannot run ${command}: ${error.message}`)
      resolve(127)
    })
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  }).finally(() => {
    for (const signal of signals) process.off(signal, pass)
  })
}

function installArguments() {
  const everything = '--no-save --include=dev --include=optional --engine-strict=false'
  const quietly = '--no-audit --no-fund --no-update-notifier --loglevel=error'
  const args = `install ${everything} ${quietly}`.split(' ')
  // The lock names Linux binaries only, and older npm skips in silence what a lock does not name.
  return process.platform === 'linux' ? args : [...args, '--no-package-lock']
}

function fingerprint() {
  const parts = [
    read(join(root, 'package.json')),
    read(join(root, 'package-lock.json')),
    process.platform,
    process.arch,
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** The lock is a file with its owner's process id, created with its content; the lock of a dead owner is taken over. */
async function takeLock() {
  const draft = `${lock}.${process.pid}`
  for (let waiting = false; ; waiting = true) {
    writeFileSync(draft, String(process.pid))
    try {
      linkSync(draft, lock)
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    } finally {
      rmSync(draft)
    }
    const owner = read(lock)
    if (owner === undefined) continue
    if (!isAlive(Number(owner))) removeLockOf(owner)
    else if (!waiting) say(`waiting for process ${owner}, which installs dependencies (${lock})`)
    await sleep(200)
  }
}

/** Two launchers may find the same owner dead; if the slower one removes the new lock of the other, it puts it back. */
function removeLockOf(owner) {
  const taken = `${lock}.${process.pid}`
  try {
    renameSync(lock, taken)
    if (read(taken) !== owner) linkSync(taken, lock)
    rmSync(taken)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return undefined
  }
}

function say(text) {
  process.stderr.write(`with-deps: ${text}\n`)
}
