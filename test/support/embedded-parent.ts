// Owns a process that a test can kill: it starts an embedded server in the directory it is given, says where, and stays.
import { startEmbedded } from '../../src/embedded/embedded-server.ts'

const { url, pid } = await startEmbedded({ directory: process.argv[2] ?? '', memoryBytes: 1_000_000_000 })
process.stdout.write(`${JSON.stringify({ url, pid, parent: process.pid })}\n`)
setInterval(() => {}, 60_000)
