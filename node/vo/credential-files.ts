import { access, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CERTIFICATE_BYTES_MAX, RoostError, shape } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'
import { makePrivateDirectory, mapDiskError, writeFileAtomic } from '../data/index.ts'
import type { DataDirectory } from '../data/index.ts'
import { loadKey, loadOrCreateKey } from '../keys/index.ts'
import type { Key } from '../keys/index.ts'

/** What a node keeps of its VO. */
export interface Credentials {
  readonly authority: Uint8Array
  readonly node: Uint8Array
  /** The node that holds the authority, and where it was when we joined. */
  readonly authorityPeer: PeerId
  readonly authorityAddresses: readonly string[]
}

const DIRECTORY = 'vo'
const AUTHORITY_KEY = 'authority.key'
const AUTHORITY_CERTIFICATE = 'authority.crt'
const NODE_CERTIFICATE = 'node.crt'
const GRID = 'grid.json'
const GRID_BYTES_MAX = 16_384

/**
 * The credentials in `vo/` of a data directory: `authority.crt` and `node.crt` in DER, `grid.json`, and at the authority
 * `authority.key`. The node's certificate is written last and removed first: where it is missing, nobody has joined.
 */
export class CredentialFiles {
  readonly #root: string
  readonly #directory: string

  constructor(data: DataDirectory) {
    this.#root = data.path
    this.#directory = data.file(DIRECTORY)
  }

  /** Undefined where this node is in no VO. Fails with `CREDENTIAL_INVALID` where files are missing or damaged. */
  async load(): Promise<Credentials | undefined> {
    const node = await this.#read(NODE_CERTIFICATE, CERTIFICATE_BYTES_MAX)
    if (node === undefined) return undefined
    const authority = await this.#read(AUTHORITY_CERTIFICATE, CERTIFICATE_BYTES_MAX)
    const grid = await this.#read(GRID, GRID_BYTES_MAX)
    if (authority === undefined || grid === undefined)
      throw new RoostError('CREDENTIAL_INVALID', `the credentials in ${this.#directory} are incomplete`)
    return { authority, node, ...parseGrid(grid, this.#directory) }
  }

  async store(credentials: Credentials): Promise<void> {
    const { authority, authorityPeer, authorityAddresses } = credentials
    await makePrivateDirectory(this.#directory)
    await this.#write(AUTHORITY_CERTIFICATE, authority)
    await this.#write(GRID, `${JSON.stringify({ authorityPeer, authorityAddresses }, undefined, 2)}\n`)
    await this.storeNode(credentials.node)
  }

  async storeNode(certificate: Uint8Array): Promise<void> {
    await this.#write(NODE_CERTIFICATE, certificate)
  }

  /** The authority's key, where this node has it. */
  async authorityKey(): Promise<Key | undefined> {
    return await loadKey(join(this.#directory, AUTHORITY_KEY))
  }

  async createAuthorityKey(): Promise<Key> {
    await makePrivateDirectory(this.#directory)
    return await loadOrCreateKey(join(this.#directory, AUTHORITY_KEY))
  }

  /** Removes what this node needs to take part. */
  async remove(): Promise<void> {
    await this.#changing(async () => {
      await rm(join(this.#directory, NODE_CERTIFICATE), { force: true })
      await rm(this.#directory, { recursive: true, force: true })
    })
  }

  /**
   * Puts everything aside under `left/`, the authority's key with it: without that key nobody can join or renew ever again.
   * Nothing to put aside is no error.
   */
  async putAside(name: string): Promise<void> {
    await makePrivateDirectory(join(this.#root, 'left'))
    await this.#changing(async () => {
      if (await exists(this.#directory)) await rename(this.#directory, join(this.#root, 'left', name))
    })
  }

  async #write(name: string, bytes: Uint8Array | string): Promise<void> {
    await writeFileAtomic(join(this.#directory, name), bytes, { mode: 0o600 })
  }

  async #read(name: string, bytesMax: number): Promise<Uint8Array | undefined> {
    const path = join(this.#directory, name)
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw mapDiskError(error, path)
    })
    if (bytes !== undefined && bytes.length > bytesMax)
      throw new RoostError('CREDENTIAL_INVALID', `${path} is larger than it can be`)
    return bytes && Uint8Array.from(bytes)
  }

  async #changing(change: () => Promise<void>): Promise<void> {
    try {
      await change()
    } catch (error) {
      throw mapDiskError(error, this.#directory)
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

const gridShape = shape.record({
  authorityPeer: shape.peerId,
  authorityAddresses: shape.list(shape.text(300), 32),
})

function parseGrid(bytes: Uint8Array, directory: string): ReturnType<typeof gridShape> {
  try {
    return gridShape(JSON.parse(Buffer.from(bytes).toString('utf8')), GRID)
  } catch (cause) {
    throw new RoostError('CREDENTIAL_INVALID', `${join(directory, GRID)} is damaged`, { cause })
  }
}
