import fc from 'fast-check'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FrameReader, FrameStream } from '../../../node/net/frame.ts'
import { RoostError } from '../../../overlay/index.ts'
import { until } from './grid.ts'
import { makeOutsider } from './outsider.ts'

const LIMITS = { frameBytesMax: 100_000, writeBufferBytesMax: 1_000_000 }

describe('cutting bytes into frames', () => {
  test('frames come back whole and in order, however they were split on the way', () => {
    const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (written, sizes) => {
        const bytes = Buffer.concat(written.flatMap((frame) => [header(frame.length), frame]))
        const read: Uint8Array[] = []
        const reader = new FrameReader(300)
        for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
          const size = sizes[turn % sizes.length]!
          reader.push(bytes.subarray(offset, offset + size), (frame) => read.push(Uint8Array.from(frame)))
          offset += size
        }
        expect(read).toEqual(written)
      }),
    )
  })

  test('a frame beyond the bound is refused by its length alone', () => {
    const reader = new FrameReader(300)
    expect(() => reader.push(header(301), () => {})).toThrow(RoostError)
  })

  test('an empty frame is refused', () => {
    expect(() => new FrameReader(300).push(header(0), () => {})).toThrow(RoostError)
  })

  test('random bytes give frames or a typed error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
        const reader = new FrameReader(1_000)
        try {
          for (const chunk of chunks) reader.push(chunk, () => {})
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RoostError)
        }
      }),
    )
  })

  test('announcing a long frame reserves nothing until it arrives', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 1_000 }, () => new FrameReader(1_000_000))
    for (const reader of readers) reader.push(Buffer.concat([header(1_000_000), Buffer.from('x')]), () => {})
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })
})

describe('frames over a libp2p stream', () => {
  let here: Libp2p
  let there: Libp2p
  const accepted: { stream: Stream; connection: Connection }[] = []
  beforeAll(async () => {
    here = await makeOutsider()
    there = await makeOutsider()
    await there.handle('/frames', (stream, connection) => void accepted.push({ stream, connection }))
  })
  afterAll(async () => {
    await Promise.all([here.stop(), there.stop()])
  })

  async function streams(): Promise<[Stream, Stream]> {
    const count = accepted.length
    const connection = await here.dial(multiaddr(String(there.getMultiaddrs()[0]!)))
    const stream = await connection.newStream('/frames')
    await until('the other end', () => accepted.length > count)
    return [stream, accepted.at(-1)!.stream]
  }

  function framesOf(
    stream: Stream,
    limits = LIMITS,
  ): { frames: FrameStream; read: Uint8Array[]; ends: (RoostError | undefined)[] } {
    const read: Uint8Array[] = []
    const ends: (RoostError | undefined)[] = []
    const handlers = {
      onFrame: (frame: Uint8Array) => void read.push(Uint8Array.from(frame)),
      onEnd: (reason: RoostError | undefined) => void ends.push(reason),
    }
    return { frames: new FrameStream(stream, handlers, limits), read, ends }
  }

  test('frames of all sizes arrive whole and in order', async () => {
    const [left, right] = (await streams()).map((one) => framesOf(one))
    const written = [1, 2, 65_536, 3, 100_000, 70_000, 5].map((length, index) => new Uint8Array(length).fill(index))
    for (const frame of written) expect(left!.frames.write(frame)).toBe(true)
    await until('all frames', () => right!.read.length === written.length)
    expect(right!.read).toEqual(written)
  })

  test('what was written before a close arrives, and both sides learn of the end', async () => {
    const [left, right] = (await streams()).map((one) => framesOf(one))
    for (let count = 0; count < 9; count++) left!.frames.write(new Uint8Array(90_000))
    left!.frames.close()
    expect(left!.frames.write(new Uint8Array(1))).toBe(false)
    await until('the end', () => right!.ends.length === 1 && left!.ends.length === 1)
    expect(right!.read.length).toBe(9)
  })

  test('a frame beyond the bound ends the stream, and is not sent by ourselves', async () => {
    const [raw, right] = await streams()
    const reader = framesOf(right)
    raw.send(header(LIMITS.frameBytesMax + 1))
    await until('the end', () => reader.ends.length === 1)
    expect(reader.ends[0]?.code).toBe('MESSAGE_TOO_LARGE')
    const [left] = (await streams()).map((one) => framesOf(one))
    expect(left!.frames.write(new Uint8Array(LIMITS.frameBytesMax + 1))).toBe(false)
  })

  test('towards a peer that does not read the buffer fills to its bound and no further, and empties when it reads', async () => {
    const [stream, unread] = await streams()
    unread.pause()
    const { frames } = framesOf(stream)
    let takenCount = 0
    for (let turn = 0; turn < 200; turn++) {
      while (frames.write(new Uint8Array(10_000))) takenCount++
      await new Promise(setImmediate)
    }
    expect(frames.write(new Uint8Array(10_000))).toBe(false)
    expect(frames.waitingBytes).toBeLessThanOrEqual(LIMITS.writeBufferBytesMax)
    expect(stream.writeBufferLength).toBeLessThan(200_000)
    const reader = framesOf(unread)
    unread.resume()
    await until('all that was taken', () => reader.read.length === takenCount)
    expect(frames.waitingBytes).toBe(0)
  })

  test('a peer that takes nothing for too long ends its stream; one that is slow, or has all it was sent, does not', async () => {
    const limits = { ...LIMITS, stalledMs: 300 }
    const [stream, unread] = await streams()
    unread.pause()
    const stalled = framesOf(stream, limits)
    while (stalled.frames.write(new Uint8Array(10_000)));
    const [idle] = (await streams()).map((one) => framesOf(one, limits))
    idle!.frames.write(new Uint8Array(10))
    const [slowStream, slowReader] = await streams()
    const slow = framesOf(slowStream, limits)
    while (slow.frames.write(new Uint8Array(10_000)));
    slowReader.pause()
    slowReader.addEventListener('message', () => slowReader.pause())
    const sipping = setInterval(() => slowReader.resume(), 10)
    await until('the end', () => stalled.ends.length === 1)
    expect(stalled.ends[0]?.code).toBe('CALL_TIMEOUT')
    await new Promise((resolve) => setTimeout(resolve, 400))
    clearInterval(sipping)
    expect([idle!.ends, slow.ends]).toEqual([[], []])
  })

  test('a handler that throws ends its stream and nothing else', async () => {
    const [left, right] = await streams()
    const ends: (RoostError | undefined)[] = []
    new FrameStream(
      right,
      {
        onFrame: () => {
          throw new TypeError('a mistake')
        },
        onEnd: (reason) => void ends.push(reason),
      },
      LIMITS,
    )
    framesOf(left).frames.write(new Uint8Array(1))
    await until('the end', () => ends.length === 1)
    expect(ends[0]?.code).toBe('INTERNAL')
  })
})

function header(length: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}
