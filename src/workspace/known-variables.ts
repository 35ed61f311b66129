// Owns which variables there are, and the warning about one that looks like them and is none. Pure.
import { nearest } from '../model/did-you-mean.ts'
import type { Environment } from './variables.ts'

const SETTINGS =
  'NETWORK LAG JOBS TABLE_JOBS CHUNK CHUNK_ROWS ORDER CLUSTER COMPRESSION LEDGER_DATABASE SQL STATE IMPORT_URL IMPORT_FOLDER DEBUG IMAGE ENV_FILE ACCEPT_SETTING SETTINGS'
const SIDES = ['SOURCE', 'TARGET', 'XATU']
/** The variables of a login without a URL make no sense, but its DATABASE does. */
export const LOGIN_PARTS = [
  'USERNAME',
  'PASSWORD',
  'PASSWORD_FILE',
  'PROTOCOL',
  'CA_FILE',
  'CERT_FILE',
  'KEY_FILE',
]
const OURS = /^(BACKFILL|(SOURCE|TARGET|XATU)_CLICKHOUSE)_/
const KNOWN = [
  ...SETTINGS.split(' ').map((name) => `BACKFILL_${name}`),
  ...SIDES.flatMap((side) => ['URL', 'DATABASE', ...LOGIN_PARTS].map((part) => `${side}_CLICKHOUSE_${part}`)),
]
/** Kubernetes sets these for every service of a namespace; the others are of this project's tests. */
const FOREIGN = /_(SERVICE_(HOST|PORT\w*)|PORT(_\w+)?)$|^BACKFILL_(TEST|REQUIRE)_/

/** A sentence for each variable that is set and that nobody reads, though its name looks like one of ours. */
export function unknownVariables(...layers: readonly Environment[]): readonly string[] {
  const set = new Set(layers.flatMap((layer) => Object.keys(layer).filter((name) => layer[name])))
  return [...set].flatMap((name) => {
    if (KNOWN.includes(name) || FOREIGN.test(name)) return []
    // MY_CLICKHOUSE_URL is another program's; SORUCE_CLICKHOUSE_URL is a typing error.
    const side = /^(.+)_CLICKHOUSE_/.exec(name)?.[1]
    const isTypo = side !== undefined && nearest(side, SIDES) !== undefined
    if (!OURS.test(name) && !isTypo) return []
    const meant = KNOWN.find((known) => known.startsWith(name)) ?? nearest(name, KNOWN)
    return [`${name} is not a variable of backfill${meant === undefined ? '' : `: did you mean ${meant}?`}`]
  })
}
