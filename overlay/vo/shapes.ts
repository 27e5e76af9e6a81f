import { shape } from '../env/index.ts'
import type { Shape } from '../env/index.ts'

/** Bytes of just this many. */
export function exactBytes(byteCount: number): Shape<Uint8Array> {
  const bytes = shape.bytes(byteCount)
  return (value, path) => {
    const result = bytes(value, path)
    if (result.length !== byteCount) throw shape.malformed(path, `${byteCount} bytes`)
    return result
  }
}

/** SHA-256 of an authority's public key (DER of its SubjectPublicKeyInfo), as 64 lower-case hexadecimal digits. */
export const fingerprint: Shape<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw shape.malformed(path, 'a fingerprint')
  return value
}
