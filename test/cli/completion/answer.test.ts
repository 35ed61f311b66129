// Owns the promise that Tab answers at once, whatever files a folder holds.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answerTab } from '../../../src/cli/completion/answer.ts'
import { temporaryDirectory } from '../../support/processes.ts'

test.runIf(process.platform === 'linux')(
  'a networks.json that has no end, or no writer, has no names',
  () => {
    const folder = temporaryDirectory()
    mkdirSync(join(folder, 'sql'))
    const file = join(folder, 'sql/networks.json')
    const tab = () =>
      answerTab({ argv: ['bash', 'up', '--sql', 'sql', '--network', ''], environment: {}, folder })
    writeFileSync(file, '{"gnosis": {}}')
    expect(tab()).toContain('gnosis')
    for (const make of [() => execFileSync('mkfifo', [file]), () => symlinkSync('/dev/zero', file)]) {
      rmSync(file)
      make()
      expect(tab()).toEqual([])
    }
  },
)
