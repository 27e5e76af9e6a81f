import { chown, mkdtemp } from 'node:fs/promises'
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
 * private directory among temporary files; so does that of an isolated unit, which sees that directory and not what else is beside its sandbox. A daemon that comes back opens it at the same path, which the unit has in its
 * environment.
 */
export class UnitSocket {
  readonly path: string
  readonly #served: JobSocket

  private constructor(path: string, served: JobSocket) {
    this.path = path
    this.#served = served
  }

  /** Rejects where `serve` does, or where the unit began without a socket. `isApart`: in a directory that holds nothing else. */
  static async open(
    directory: UnitDirectory,
    serve: (path: string) => Promise<JobSocket>,
    { isApart = false }: { readonly isApart?: boolean } = {},
  ): Promise<UnitSocket> {
    const path = directory.readSocketPath() ?? (await choosePath(directory, isApart))
    return new UnitSocket(path, await serve(path))
  }

  /** Lets another user speak through it. */
  async give({ uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
    await chown(dirname(this.path), uid, gid)
    await chown(this.path, uid, gid)
  }

  /** The unit is over; where the socket lay, its directory clears away. */
  async end(): Promise<void> {
    await this.#served.end()
  }
}

async function choosePath(directory: UnitDirectory, isApart: boolean): Promise<string> {
  const inside = join(directory.path, NAME)
  const path =
    !isApart && Buffer.byteLength(inside) <= PATH_BYTES_MAX
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
