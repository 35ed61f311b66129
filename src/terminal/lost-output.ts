// Owns what happens if nothing can be written: a full disk under the log, a closed terminal, a reader that has ended.
import { EXIT } from '../model/errors.ts'

type Process = Pick<NodeJS.Process, 'stdout' | 'stderr' | 'exitCode'>

/**
 * Output is advice, and work is work: whatever cannot be written is lost, the work goes on, and the exit code is not 0
 * then. A lost result is said once on stderr. A reader of the result that ends (`backfill status | head -1`) has what it
 * wanted: that is no error.
 */
export function outliveOutput(process: Process): void {
  const { stdout, stderr } = process
  let said = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.exitCode ||= EXIT.failed
    if (!said) stderr.write(`backfill: cannot write the result: ${error.message}\n`)
    said = true
  })
  stderr.on('error', () => void (process.exitCode ||= EXIT.failed))
}
