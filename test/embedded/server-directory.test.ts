// Owns the promises about the folder of the embedded server that need no server.
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { prepareDirectory } from '../../src/embedded/server-directory.ts'

test.runIf(existsSync('/proc/self'))(
  'a folder in which none can be made is refused, not tried for ever',
  () => {
    expect(() => prepareDirectory('/proc/none/embedded', { memoryBytes: undefined })).toThrow(
      /cannot use the directory '\/proc\/none\/embedded': ENOENT/,
    )
  },
)
