// Owns the process of the embedded server: a worker thread that runs ClickHouse, and a main thread that ends the process
// when its parent has ended. Started by embedded-server.ts: `server-child <libchdb.so> <folder to shut it in, or ''> <argument>…`.

import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { endThisProcess } from '../seam/process.ts'
import { shutIn } from './wall.ts'

if (isMainThread) guard()
else runEngine(workerData as readonly string[])

/** The engine handles none of our signals, so the process ends itself by SIGKILL: acknowledged writes are in the page cache by then. */
function guard(): void {
  process.umask(0o077)
  // The parent holds the other end of stdin and never writes: stdin ends when the parent ends, however it ends.
  process.stdin.on('end', die).on('close', die).on('error', die).resume()
  process.on('SIGTERM', die).on('SIGHUP', die)
  // Ctrl-C reaches the whole process group, but the parent still needs the server to record its progress.
  process.on('SIGINT', () => {})
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv.slice(2) })
  worker.on('error', (error) => fail(error.message))
  worker.on('message', fail)
}

/** Blocks its thread for as long as the server lives; the engine's own words about a failed start go to the parent. */
function runEngine([library = '', folder = '', ...args]: readonly string[]): void {
  const ffi = createRequire(import.meta.url)('ffi-rs') as typeof import('ffi-rs')
  const { DataType, load, open } = ffi
  open({ library: 'chdb', path: library })
  if (folder !== '') shutIn(ffi, folder)
  const argv = ['clickhouse', ...args]
  const result = load({
    library: 'chdb',
    funcName: 'query_stable_v2',
    // struct local_result_v2 of chdb.h, returned by pointer. Some errors show in its last member only.
    retType: {
      buf: DataType.External,
      len: DataType.I64,
      vec: DataType.External,
      elapsed: DataType.Double,
      rows: DataType.I64,
      bytes: DataType.I64,
      error: DataType.String,
    },
    paramsType: [DataType.I32, DataType.StringArray],
    paramsValue: [argv.length, argv],
  })
  // Not postMessage: the engine's clean-up may crash the process before the main thread reads it.
  fail(result.error)
}

function fail(message: string): never {
  writeSync(2, `${message}\n`)
  die()
}

function die(): never {
  endThisProcess('SIGKILL')
  throw new Error('unreachable')
}
