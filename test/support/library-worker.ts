// Owns the worker in which a test uses the library: whatever would end the process, take its signals or print is counted.
import { parentPort, workerData } from 'node:worker_threads'
import type * as Library from '../../src/index.ts'

const calls: string[] = []
const trap = (object: object, name: string) =>
  Object.defineProperty(object, name, {
    configurable: true,
    value: (...given: readonly unknown[]) => {
      calls.push(`${name} ${String(given[0])}`)
      return true
    },
  })
for (const name of ['exit', 'on', 'once', 'addListener', 'prependListener', 'abort', 'kill'])
  trap(process, name)
trap(process.stdout, 'write')
trap(process.stderr, 'write')

const { openWorkspace, up, status } = (await import(workerData.library)) as typeof Library
const workspace = await openWorkspace({
  folder: '/',
  environment: workerData.env,
  tables: ['block_slots_stat'],
})
const events: string[] = []
const summary = await up(workspace, { to: 20, lag: 0, report: ({ type }) => void events.push(type) })
const { tables } = await status(workspace)
await workspace.close()
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of Node's has no origin
parentPort!.postMessage({ calls, events, summary, state: tables[0]!.state, keys: workspace.tables })
