// Owns a short way to verify and to rebuild in tests: the ports of a test world, the usual options, what was found in few words.
import { rebuild, type RebuildReport } from '../../src/commands/rebuild/rebuild.ts'
import type { RebuildOptions } from '../../src/commands/rebuild/workspace.ts'
import type { RunEvent } from '../../src/runner/events.ts'
import { verify, type VerifyOptions, type VerifyReport } from '../../src/commands/verify/verify.ts'
import { type SourcesCheck, verifySources } from '../../src/commands/verify/sources.ts'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from './server.ts'
import {
  openTestWorkspace,
  OPTIONS as UP_OPTIONS,
  SQL_FOLDER,
  type TestWorkspace,
  type TestWorkspaceOptions,
} from './workspace.ts'

const OPTIONS: VerifyOptions = {
  from: undefined,
  to: undefined,
  sample: undefined,
  seed: 1,
  chunk: 10,
  chunkRows: undefined,
  jobs: 2,
  giveUpMs: 30_000,
}

const signal = new AbortController().signal

/** Worlds of one test each, on a server and a source that are there when the test runs. */
export function builtTables(place: () => { readonly server: TestServer; readonly source: string }) {
  const open = async (
    tables: readonly string[],
    options: Partial<TestWorkspaceOptions> = {},
  ): Promise<TestWorkspace> => {
    const workspace = await openTestWorkspace({ ...place(), tables, ...options })
    onTestFinished(() => workspace.close())
    return workspace
  }
  return {
    open,
    /** A world in which the tables are built. */
    built: async (tables: readonly string[], chunk: number, options?: Partial<TestWorkspaceOptions>) => {
      const workspace = await open(tables, options)
      expect((await workspace.up({ chunk })).failed).toEqual([])
      return workspace
    },
    /** Runs a statement in which $T is the table of a key. */
    change: async ({ target }: TestWorkspace, key: string, statement: string): Promise<void> => {
      await post(place().server, statement.replaceAll('$T', `{target:Identifier}.int_${key}`), { target })
    },
  }
}

export async function verifyWorkspace(
  test: TestWorkspace,
  options: Partial<VerifyOptions> = {},
): Promise<VerifyReport> {
  return await verify(
    test.workspace,
    test.connected,
    { ...OPTIONS, ...options },
    { report: () => {}, signal },
  )
}

/** `table 1-10 different late missing=1` for each chunk that is not plainly the same. */
export async function oddities(test: TestWorkspace, options: Partial<VerifyOptions> = {}): Promise<string[]> {
  const { tables } = await verifyWorkspace(test, options)
  return tables.flatMap(({ table, ranges }) =>
    ranges
      .filter(({ outcome, why }) => outcome !== 'same' || why !== undefined)
      .map(({ from, to, outcome, why, differences }) =>
        [
          `${table} ${from}-${to} ${outcome}`,
          ...(why === undefined ? [] : [why]),
          ...Object.entries(differences).flatMap(([kind, keys]) => (keys === 0 ? [] : [`${kind}=${keys}`])),
        ].join(' '),
      ),
  )
}

type Place = { readonly server: TestServer; readonly catalogue: Catalogue; readonly source: string }

/** As `builtTables`, on a server and a source with blocks from 1 on, which are there for the tests of a file. */
export function useBuiltTables(blocks: number, give: (place: Place) => void) {
  let place: Place | undefined
  beforeAll(async () => {
    place = {
      catalogue: await readCatalogue(SQL_FOLDER),
      server: await startTestServer(),
      source: uniqueDatabase('source'),
    }
    give(place)
    await createSourceTables(place.server, place.catalogue, place.source)
    await addBlocks(place.server, place.source, { from: 1, to: blocks })
  })
  afterAll(() => place?.server.stop())
  return builtTables(() => ({ server: place!.server, source: place!.source }))
}

/** As `verify --sources`. */
export async function checkSources(test: TestWorkspace, dryRun = false): Promise<readonly SourcesCheck[]> {
  return await verifySources(test.workspace, test.connected, { dryRun }, { note: () => {}, signal })
}

type RebuildExtras = { readonly chunk?: number; readonly told?: (event: RunEvent) => void }

/** As `rebuild`, of the one table of the workspace. Its notes go into the workspace's events. */
export async function rebuildWorkspace(
  test: TestWorkspace,
  options: Partial<Omit<RebuildOptions, 'up'>> & RebuildExtras = {},
): Promise<RebuildReport> {
  const { chunk = 4, told = () => {}, ...rest } = options
  test.events.length = 0
  return await rebuild(
    test.workspace,
    test.connected,
    { up: { ...UP_OPTIONS, chunk }, sample: 3, seed: 1, dropOld: false, ...rest },
    {
      signal,
      report: (event) => {
        test.events.push(event)
        told(event)
      },
    },
  )
}
