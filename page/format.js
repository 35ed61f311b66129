// Owns numbers, times and ranges as text; the same forms as in the terminal.

export const number = (value) => (value === null ? '-' : String(value).replaceAll(/\B(?=(\d{3})+$)/g, ','))

/** Rounded down, so that 100.0 % means that nothing is missing. */
export function percent(done, expected) {
  return expected === 0 ? '-' : `${(Math.floor((done * 1000) / expected) / 10).toFixed(1)} %`
}

export function duration(ms) {
  if (ms === null || ms === undefined) return '-'
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor(ms / 1000) % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${number(Math.floor(hours / 24))} d ${hours % 24} h`
}

export function bytes(value) {
  const [unit, size] = value < 1e6 ? ['kB', 1e3] : value < 1e9 ? ['MB', 1e6] : ['GB', 1e9]
  return `${(value / size).toFixed(1)} ${unit}`
}

export const minute = (iso) => (iso === null ? '-' : iso.slice(0, 16).replace('T', ' '))

export const range = ([from, to]) => (from === to ? `${from}` : `${from}-${to}`)

export const shortHash = (hash) => hash.replace(/^(\w+-)?(.{8}).*$/, '$1$2')
