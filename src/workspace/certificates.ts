// Owns the certificates of a login: of a private authority, and of the client with its key. Read whole, or refused.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { usageError } from '../model/errors.ts'
import { readLoginFile } from './text-file.ts'
import type { Setting, Variable } from './variables.ts'

type Pem = Setting<{ readonly file: string; readonly pem: string }>

type Place = { readonly folder: string; readonly url: string }

/** `ca`: certificates of a private authority that signed the server's. */
export type Certificates = Readonly<Record<'ca' | 'cert' | 'key', Pem | undefined>>

/** `find`: …_CA_FILE and the like of a side. @throws BackfillError `usage` for a file not whole, or without its pair */
export function readCertificates(find: (part: string) => Variable | undefined, place: Place): Certificates {
  const read = (part: string, what: string, check: (pem: string) => void): Pem | undefined => {
    const word = find(part)
    return word && readPem(word, { ...place, what, check })
  }
  const ca = read('CA_FILE', 'certificate', assertCertificates)
  const cert = read('CERT_FILE', 'certificate', assertCertificates)
  const key = read('KEY_FILE', 'key', (pem) => void createPrivateKey(pem))
  const [lonely, missing] = cert === undefined ? [key, 'CERT'] : [key === undefined ? cert : undefined, 'KEY']
  if (lonely !== undefined)
    throw usageError(
      `${lonely.value.file} is a client's ${missing === 'KEY' ? 'certificate without its key' : 'key without its certificate'}`,
      `set ${lonely.origin.replace(/^.* /, '').replace(/(CERT|KEY)_FILE$/, missing)}_FILE, too`,
    )
  if (cert && key && !new X509Certificate(cert.value.pem).checkPrivateKey(createPrivateKey(key.value.pem)))
    throw usageError(`the key ${key.value.file} is not that of the certificate ${cert.value.file}`)
  return { ca, cert, key }
}

type Wanted = Place & { readonly what: string; readonly check: (pem: string) => void }

function readPem({ text, place, origin }: Variable, { folder, url, what, check }: Wanted): Pem {
  if (!url.startsWith('https:'))
    throw usageError(
      `${place} is set, but ${url} is not https`,
      `set ${place.replace(/(CA|CERT|KEY)_FILE.*/, 'PROTOCOL')}=https, or unset it`,
    )
  const file = resolve(folder, text)
  const pem = readLoginFile(file, place, what)
  if (!pem.includes('-----BEGIN '))
    throw usageError(
      `${file} of ${place} holds no ${what}`,
      `it must be PEM: -----BEGIN ${what === 'key' ? 'PRIVATE KEY' : 'CERTIFICATE'}-----`,
    )
  try {
    check(pem)
  } catch {
    throw usageError(
      `a ${what} in ${file} of ${place} cannot be read: the file is cut off, or holds something else`,
      what === 'key' ? 'it must be PEM, whole and without a passphrase' : 'copy it again, whole',
    )
  }
  return { value: { file, pem }, origin }
}

/** OpenSSL takes the certificates before a broken one without a word. */
function assertCertificates(pem: string): void {
  for (const block of pem.split(/(?=-----BEGIN )/))
    if (block.startsWith('-----BEGIN ') && !/^-----BEGIN [A-Z ]*KEY-----/.test(block))
      void new X509Certificate(block)
}
