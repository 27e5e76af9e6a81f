const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter, value]))

/** Bytes as base64url without padding (RFC 4648, section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let heldBits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    heldBits += 8
    while (heldBits >= 6) {
      heldBits -= 6
      text += ALPHABET[held >>> heldBits]
      held &= (1 << heldBits) - 1
    }
  }
  return heldBits === 0 ? text : text + ALPHABET[held << (6 - heldBits)]
}

/**
 * The bytes that `text` stands for; undefined where it is not base64url. Bits that carry nothing must be zero, so that no two
 * texts stand for the same bytes.
 */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8))
  let filled = 0
  let held = 0
  let heldBits = 0
  for (const letter of text) {
    const value = VALUES.get(letter)
    if (value === undefined) return undefined
    held = (held << 6) | value
    heldBits += 6
    if (heldBits < 8) continue
    heldBits -= 8
    bytes[filled++] = held >>> heldBits
    held &= (1 << heldBits) - 1
  }
  return heldBits < 6 && held === 0 ? bytes : undefined
}
