/**
 * CRC-32 (ISO 3309, the one of zip and Ethernet). Every change within 32 neighbouring bits changes it, so a single mistyped
 * letter of a ticket, which touches six, never passes. It guards against slips, not against people.
 */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
