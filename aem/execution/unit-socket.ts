import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { JobSocket } from '../../overlay/contract/index.ts'
import type { UnitDirectory } from './unit-directory.ts'

/** `sun_path` has room for 108 bytes on Linux and 104 on macOS, with the closing zero (unix(7)). */
const PATH_BYTES_MAX = 103
const NAME = 'socket'
/** What the fallback's directory is called, before six characters of chance. */
const FALLBACK_PREFIX = 'roost-'

/**
 * The socket by which a unit speaks to its daemon, beside its sandbox. Where the path of that is too long for a socket it lies in a
 * private directory among temporary files. A daemon that comes back opens it at the same path, which the unit has in its
 * environment.
 */
export class UnitSocket {
  readonly path: string
  readonly #served: JobSocket
  /** A directory that is there for the socket alone. */
  readonly #ownDirectory: string | undefined

  private constructor(path: string, served: JobSocket, ownDirectory: string | undefined) {
    this.path = path
    this.#served = served
    this.#ownDirectory = ownDirectory
  }

  /** Rejects where `serve` does, or where the unit began without a socket. */
  static async open(directory: UnitDirectory, serve: (path: string) => Promise<JobSocket>): Promise<UnitSocket> {
    const path = directory.readSocketPath() ?? (await choosePath(directory))
    const isInside = dirname(path) === directory.path
    return new UnitSocket(path, await serve(path), isInside ? undefined : dirname(path))
  }

  /** The unit is over. */
  async end(): Promise<void> {
    try {
      await this.#served.end()
    } finally {
      await rm(this.#ownDirectory ?? this.path, { recursive: true, force: true })
    }
  }
}

async function choosePath(directory: UnitDirectory): Promise<string> {
  const inside = join(directory.path, NAME)
  const path =
    Buffer.byteLength(inside) <= PATH_BYTES_MAX
      ? inside
      : join(await mkdtemp(join(shortPlace(), FALLBACK_PREFIX)), NAME)
  await directory.writeSocketPath(path)
  return path
}

/** The system's own place for temporary files, unless somebody has made that a long path too. */
function shortPlace(): string {
  const place = tmpdir()
  return Buffer.byteLength(join(place, `${FALLBACK_PREFIX}xxxxxx`, NAME)) <= PATH_BYTES_MAX ? place : '/tmp'
}
