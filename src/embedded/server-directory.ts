// Owns the files in an embedded server's directory: password and configuration, readable only by the owner.

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { BackfillError, usageError } from '../model/errors.ts'
import { fileUser, userId } from '../seam/process.ts'

/** Engines that keep their rows in the server's own folder. */
const ENGINES =
  'MergeTree ReplacingMergeTree SummingMergeTree AggregatingMergeTree CollapsingMergeTree VersionedCollapsingMergeTree ' +
  'CoalescingMergeTree GraphiteMergeTree Log TinyLog StripeLog Memory Null Set Join Buffer Merge GenerateRandom View'

/**
 * All that the user may do: what a run needs, in the server's own tables. No FILE, URL, S3, REMOTE or any other source,
 * no dictionary, function, named collection, user or backup: SQL files may be a stranger's.
 */
const GRANTS: readonly string[] = [
  'SELECT, INSERT, ALTER, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, SHOW, CHECK, KILL QUERY, SYSTEM, dictGet ON *.*',
  'CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE ARBITRARY TEMPORARY TABLE ON *.*',
  ...ENGINES.split(' ').map((engine) => `TABLE ENGINE ON ${engine}`),
]

/** The one user who may log in over HTTP. */
export const EMBEDDED_USER = 'backfill'

/**
 * Creates the missing files in `path` (0700) and returns them. Safe while another server runs there: the password is
 * created once, and the configuration is read only at the start.
 * @throws BackfillError 'usage' if this is not possible, or if the folder may be a stranger's.
 */
export function prepareDirectory(path: string, wishes: ServerWishes) {
  try {
    assertOwnDirectory(path)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, 0o700)
    const password = readOrCreatePassword(join(path, 'password'))
    const file = join(path, 'config.xml')
    const log = join(path, 'server.log')
    renameSync(writeDraft(file, configuration({ file, log, password, ...wishes })), file)
    return { password, configFile: file }
  } catch (error) {
    if (error instanceof BackfillError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const { code } = error as NodeJS.ErrnoException
    throw usageError(
      `The embedded ClickHouse cannot use the directory '${path}': ${reason}`,
      code === 'EACCES' || code === 'EPERM'
        ? `Make it a directory of ${fileUser()}, or name another one: --state <folder>`
        : 'Name another one: --state <folder>',
    )
  }
}

/**
 * Tables that lie in the folder are attached when the server starts, so only a folder that this program made for this
 * user is used.
 */
function assertOwnDirectory(path: string): void {
  for (const place of [dirname(path), path])
    if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink())
      throw notOwn(place, 'it is a link, and may lead anywhere')
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined || readdirSync(path).length === 0) return
  if (found.uid !== userId()) throw notOwn(path, 'it belongs to another user')
  const password = lstatSync(join(path, 'password'), { throwIfNoEntry: false })
  const isOwn = (found.mode & 0o077) === 0 && password?.isFile() && (password.mode & 0o077) === 0
  if (!isOwn) throw notOwn(path, 'backfill has not made it (it came with a clone or a copy)')
  if (isTracked(resolve(path))) throw notOwn(path, 'git tracks files in it: it came with a clone')
}

/** Whether the index of the repository around `path` names a file in it. Modes prove nothing under umask 077. */
function isTracked(path: string): boolean {
  for (let at = dirname(path); dirname(at) !== at; at = dirname(at)) {
    const index = join(at, '.git', 'index')
    if (existsSync(index)) return readFileSync(index).includes(`${relative(at, path).replaceAll('\\', '/')}/`)
  }
  return false
}

function notOwn(place: string, why: string): BackfillError {
  return usageError(
    `The embedded ClickHouse does not use '${place}': ${why}`,
    'Remove it, or name another folder: --state <folder>',
  )
}

function readOrCreatePassword(file: string): string {
  const draft = writeDraft(file, randomBytes(24).toString('base64url'))
  try {
    linkSync(draft, file) // unlike rename, the first of two processes wins
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return readFileSync(file, 'utf8')
}

function writeDraft(file: string, text: string): string {
  const draft = `${file}.${randomUUID()}` // containers that share the directory may share process numbers
  writeFileSync(draft, text, { mode: 0o600 })
  return draft
}

type ServerWishes = {
  readonly memoryBytes: number | undefined
  /** Elements as they are. */
  readonly more?: string
  /** The rights of an administrator, for tests: the user may also create users, and reach outside of the server. */
  readonly isAdmin?: boolean | undefined
}

type Own = { readonly file: string; readonly log: string; readonly password: string }

/**
 * query_log is kept in memory: database `system` of this engine is not on disk, so after a restart a MergeTree log
 * would find its directory taken (57) and log nothing, for good.
 *
 * `default` is the user of the engine's own session, which comes from loopback and cannot have a password. That user is
 * allowed one session, so every other login is refused (700 USER_SESSION_LIMIT), and the session may only listen.
 */
function configuration({
  file,
  log,
  password,
  memoryBytes,
  more = '',
  isAdmin = false,
}: ServerWishes & Own): string {
  const hash = createHash('sha256').update(password).digest('hex')
  const memoryLimit =
    memoryBytes === undefined ? '' : `<max_server_memory_usage>${memoryBytes}</max_server_memory_usage>`
  // A folder that does not exist, in the only folder that nobody else can write to.
  const nowhere = join(dirname(file), 'none', '')
  const rights = isAdmin
    ? '<access_management>1</access_management>'
    : `<grants>${GRANTS.map((grant) => `<query>GRANT ${grant}</query>`).join('')}</grants>`
  return `<clickhouse>
  <logger><log>${escapeXml(log)}</log><size>10M</size><count>2</count></logger>
  <users_config>${escapeXml(file)}</users_config>
  ${memoryLimit}
  ${more}
  <user_scripts_path>${escapeXml(nowhere)}</user_scripts_path>
  <user_files_path>${escapeXml(nowhere)}</user_files_path>
  ${isAdmin ? '' : '<remote_url_allow_hosts></remote_url_allow_hosts>'}
  <access_control_improvements><table_engines_require_grant>true</table_engines_require_grant></access_control_improvements>
  <send_crash_reports><enabled>false</enabled></send_crash_reports>
  <query_log>
    <database>system</database>
    <table>query_log</table>
    <engine>ENGINE = Memory SETTINGS min_rows_to_keep = 10000, max_rows_to_keep = 20000, compress = 1</engine>
    <flush_interval_milliseconds>500</flush_interval_milliseconds>
  </query_log>
  <profiles>
    <!-- Of small data, compiling costs more than it saves. -->
    <default><compile_expressions>0</compile_expressions><compile_aggregate_expressions>0</compile_aggregate_expressions><compile_sort_description>0</compile_sort_description></default>
    <engine><max_sessions_for_user>1</max_sessions_for_user></engine>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>engine</profile>
      <quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
    </default>
    <${EMBEDDED_USER}>
      <password_sha256_hex>${hash}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      ${rights}
    </${EMBEDDED_USER}>
  </users>
</clickhouse>
`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
