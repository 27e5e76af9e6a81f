import { randomBytes } from 'node:crypto'
import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CERTIFICATE_BYTES_MAX, NONCE_BYTES, RoostError, signStatement as signWith } from '../../overlay/index.ts'
import type { Crypto, PeerId, Plain } from '../../overlay/index.ts'
import type { SignedStatement } from '../../overlay/contract/index.ts'
import { configDirectoryPath, makePrivateDirectory, mapDiskError, writeFileAtomic } from '../data/index.ts'
import { createCrypto } from './crypto.ts'
import { loadOrCreateKey } from './key-file.ts'
import type { Key } from './key.ts'

/**
 * A user on this machine: `user.key` in the configuration directory, and beside it `certificates/<fingerprint>.crt`, which
 * says for each grid that the user is a member. It is all that the command line needs to sign.
 */
export interface User {
  /** The peer id form of the user's public key. */
  readonly id: PeerId
  readonly directory: string
  readonly key: Key
  readonly crypto: Crypto
}

const KEY_FILE = 'user.key'
const CERTIFICATES = 'certificates'

/** The user of this configuration directory; the key is made on first use. Fails like `loadOrCreateKey`. */
export async function openUser(directory: string = configDirectoryPath()): Promise<User> {
  const key = await loadOrCreateKey(join(directory, KEY_FILE))
  return { id: key.id, directory, key, crypto: createCrypto(key) }
}

/**
 * Signs that the user wants `action` with `body`, for the grid of this fingerprint. Fails with `NOT_MEMBER` where the user
 * has no certificate of it. Whether that has expired is for the nodes to say.
 */
export async function signStatement(
  user: User,
  fingerprint: string,
  { action, body }: { readonly action: string; readonly body: Plain },
  {
    wallMs = Date.now(),
    nonce = randomBytes(NONCE_BYTES),
  }: { readonly wallMs?: number; readonly nonce?: Uint8Array } = {},
): Promise<SignedStatement> {
  const certificate = await loadMemberCertificate(user, fingerprint)
  if (certificate === undefined)
    throw new RoostError(
      'NOT_MEMBER',
      `${user.directory} has no certificate for the grid ${fingerprint.slice(0, 16)}`,
      {
        data: { fingerprint, user: user.id },
      },
    )
  const statement = { action, body, atMs: wallMs, nonce: Uint8Array.from(nonce) }
  return signWith(statement, { fingerprint, signer: user.id, certificate }, user.crypto)
}

/** DER of the user's certificate for a grid; undefined where there is none. */
export async function loadMemberCertificate(user: User, fingerprint: string): Promise<Uint8Array | undefined> {
  const path = certificatePath(user, fingerprint)
  try {
    const bytes = await readFile(path)
    return bytes.length > CERTIFICATE_BYTES_MAX ? undefined : Uint8Array.from(bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw mapDiskError(error, path)
  }
}

export async function storeMemberCertificate(user: User, fingerprint: string, certificate: Uint8Array): Promise<void> {
  await makePrivateDirectory(join(user.directory, CERTIFICATES))
  await writeFileAtomic(certificatePath(user, fingerprint), certificate, { mode: 0o600 })
}

/** Forgets the membership; a certificate that is not there is no error. */
export async function removeMemberCertificate(user: User, fingerprint: string): Promise<void> {
  const path = certificatePath(user, fingerprint)
  await rm(path, { force: true }).catch((error: unknown) => {
    throw mapDiskError(error, path)
  })
}

/** Fingerprints of the grids that the user has a certificate for. */
export async function membershipsOf(user: User): Promise<string[]> {
  const names = await readdir(join(user.directory, CERTIFICATES)).catch(() => [])
  return names.filter((name) => /^[0-9a-f]{64}\.crt$/.test(name)).map((name) => name.slice(0, 64))
}

function certificatePath(user: User, fingerprint: string): string {
  if (!/^[0-9a-f]{64}$/.test(fingerprint))
    throw new RoostError('USAGE', `not the fingerprint of a grid: ${fingerprint}`)
  return join(user.directory, CERTIFICATES, `${fingerprint}.crt`)
}
