// Owns `backfill serve`: the report and the answers of `status` and `wait` over HTTP, until a signal ends it. Reads only.
import { EXIT } from '../../model/errors.ts'
import { type Command, withConnections } from '../../session/session.ts'
import { withSignals } from '../../terminal/signals.ts'
import { readFlag } from '../../workspace/values.ts'
import { listenAddress, serveUntil } from './server.ts'
import { answersFor } from './answers.ts'

export const serve: Command = async (context) => {
  const { flags, output, each = [context] } = context
  const address = readFlag(flags, 'listen', listenAddress) ?? { host: '127.0.0.1', port: 8477 }
  const ready = (url: string) => {
    const names = each.map((one) => one.config.network.value).join(', ')
    if (!flags.has('quiet')) output.message([`Serving ${names} on ${url} until Ctrl-C.`])
  }
  return await withConnections(context, async (connections) => {
    const answering = answersFor(context, connections)
    await withSignals(
      () => {},
      (signal) => serveUntil(signal, address, { answering, ready }),
    )
    return EXIT.ok
  })
}
