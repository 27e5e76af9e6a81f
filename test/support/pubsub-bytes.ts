/** Messages of gossipsub's as no library of ours would write them: protobuf by hand, after the RPC message of the pub/sub specification. */

/** One message that subscribes to each of these topics, with its length before it. */
export function subscriptionsTo(topics: readonly string[]): Uint8Array {
  const options = topics.map((topic) => Buffer.concat([Uint8Array.of(0x08, 1), field(2, Buffer.from(topic))]))
  return prefixed(Buffer.concat(options.map((option) => field(1, option))))
}

/** One message with events of this topic that nobody signed. */
export function eventsOf(topic: string, count: number): Uint8Array {
  const event = Buffer.concat([field(2, Buffer.from('x')), field(4, Buffer.from(topic))])
  return prefixed(Buffer.concat(Array.from({ length: count }, () => field(2, event))))
}

export function prefixed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint(bytes.length), bytes])
}

/** A field of bytes: its number and wire type 2, its length, its bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of((number << 3) | 2), varint(bytes.length), bytes])
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  return Uint8Array.from([...bytes, left])
}
