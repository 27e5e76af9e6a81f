import { crc32 } from 'node:zlib'
import { shape } from '../../../overlay/index.ts'
import { SnapshotTable, type Given, type ReplicatedService } from '../../../overlay/replica/index.ts'

/** A service for tests whose state is large, though its commands are small: each has a row made of as many bytes as it says. */
export interface BlobCommand {
  readonly key: string
  readonly bytes: number
  /** Makes the log as heavy as that of a service with such commands. */
  readonly filler: string
}

/** Rows, what they hold together, and a checksum over all of it. */
export type BlobDigest = readonly [count: number, bytes: number, checksum: number]

const BLOB_BYTES_MAX = 131_072
const text = shape.text(4_096)

export class Blobs implements ReplicatedService<BlobCommand, number | BlobDigest, null> {
  readonly command = shape.record({
    key: text,
    bytes: shape.integer(0, BLOB_BYTES_MAX),
    filler: text,
  }) as shape.Shape<BlobCommand>
  readonly query = (): null => null
  readonly #rows = new SnapshotTable<Uint8Array>((value) => value as Uint8Array)

  apply({ key, bytes }: BlobCommand): number {
    this.#rows.set(key, noise(key, bytes))
    return this.#rows.size
  }

  read(): BlobDigest {
    let [bytes, checksum] = [0, 0]
    for (const [key, row] of this.#rows.entries()) {
      bytes += row.length
      checksum = crc32(row, crc32(key, checksum))
    }
    return [this.#rows.size, bytes, checksum]
  }

  snapshot(): Iterable<Given> {
    return this.#rows.snapshot()
  }

  restore(): (chunk: Given) => void {
    return this.#rows.restore()
  }
}

/** Bytes that no disk makes fewer of, the same at every replica: xorshift (Marsaglia 2003). */
function noise(key: string, bytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(bytes / 4))
  let word = crc32(key) || 1
  for (let index = 0; index < words.length; index++) {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    words[index] = word
  }
  return new Uint8Array(words.buffer, 0, bytes)
}
