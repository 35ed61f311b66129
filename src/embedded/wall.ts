// Owns the wall around the engine (Landlock, Linux 5.19): no grant limits the functions and settings that read files.
import { existsSync, openSync, statSync } from 'node:fs'

type Ffi = typeof import('ffi-rs')

// Rights of linux/landlock.h. A file can have no right of folders.
const [READ_FILE, READ_DIR, OF_FILES] = [1n << 2n, 1n << 3n, (1n << 1n) | (1n << 2n) | (1n << 14n)]
const CONNECT_TCP = 2n
const SCOPED = 3n
const PATH_BENEATH = 1
// Numbers that all processors share; and a flag of open(), for which Node has no name.
const [CREATE_RULESET, ADD_RULE, RESTRICT_SELF, SET_NO_NEW_PRIVS, O_PATH] = [444, 445, 446, 38, 0o10000000]

/** Libraries, time zones, and what the engine asks about the machine and its own process. */
const READABLE = [
  '/lib /lib64 /usr/lib /usr/lib64 /usr/share/zoneinfo /etc/localtime /etc/ld.so.cache /etc/ssl/openssl.cnf',
  '/dev/urandom /dev/random /sys/fs/cgroup /sys/devices/system /proc/self /proc/sys /proc/pressure',
  '/proc/meminfo /proc/stat /proc/cpuinfo /proc/loadavg /proc/uptime',
].flatMap((paths) => paths.split(' '))

/**
 * This thread, and those that it starts, open no file but in `folder` and those that are `READABLE`, look into no other process, and connect to
 * nothing. @returns false where the kernel has no Landlock @throws Error if the kernel has it, and refuses
 */
export function shutIn({ DataType, load, open }: Ffi, folder: string): boolean {
  if (process.platform !== 'linux') return false
  open({ library: 'libc', path: 'libc.so.6' })
  const call = (funcName: string, ...values: readonly (number | Buffer)[]): number =>
    load({
      library: 'libc',
      funcName,
      retType: DataType.I64,
      paramsType: values.map((value) => (typeof value === 'number' ? DataType.I64 : DataType.U8Array)),
      paramsValue: [...values],
    })
  const version = call('syscall', CREATE_RULESET, 0, 0, 1)
  if (version < 2) return false
  const handled = (1n << (version >= 5 ? 16n : version >= 3 ? 15n : 14n)) - 1n
  const size = version >= 6 ? 24 : version >= 4 ? 16 : 8
  const attributes = Buffer.from(BigUint64Array.of(handled, CONNECT_TCP, SCOPED).buffer, 0, size)
  const rules = call('syscall', CREATE_RULESET, attributes, size, 0)
  const allow = (path: string, rights: bigint): void => {
    if (!existsSync(path)) return
    const rule = Buffer.alloc(12)
    rule.writeBigUInt64LE(handled & rights & (statSync(path).isDirectory() ? handled : OF_FILES))
    // Stays open: of a folder of /proc that is looked up again, the kernel would not know that it is allowed.
    rule.writeInt32LE(openSync(path, O_PATH), 8)
    check(call('syscall', ADD_RULE, rules, PATH_BENEATH, rule, 0), path)
  }
  for (const path of READABLE) allow(path, READ_FILE | READ_DIR)
  for (const path of [folder, '/dev/null']) allow(path, handled)
  check(call('prctl', SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'no_new_privs')
  check(call('syscall', RESTRICT_SELF, rules, 0), folder)
  return true
}

function check(result: number, what: string): void {
  if (result !== 0) throw new Error(`the kernel's Landlock refuses ${what}`)
}
