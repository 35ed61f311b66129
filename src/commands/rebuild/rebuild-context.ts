// Owns what all steps of a rebuild know: the world, the table, the lock, the options.
import type { TableDefinition } from '../../model/model.ts'
import type { Lock } from '../../lock/lock-port.ts'
import type { RebuildPort } from './rebuild-port.ts'
import type { RebuildOptions } from './report.ts'
import type { UpHooks } from '../../runner/up.ts'
import type { VerifyPorts } from '../verify/verify-port.ts'
import type { World } from '../../runner/world.ts'

export type RebuildPorts = VerifyPorts & { readonly rebuild: RebuildPort }

/** What all steps know. */
export type Rebuilding = {
  readonly world: World
  readonly ports: RebuildPorts
  readonly table: TableDefinition
  readonly options: RebuildOptions
  readonly hooks: UpHooks
  /** Held until the end; the run that fills the new table borrows it. */
  readonly lock: Lock
  readonly note: (text: string) => void
}
