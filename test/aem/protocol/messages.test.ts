import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../../node/codec/index.ts'
import { asRoostError, type Plain } from '../../../overlay/index.ts'
import { jobWire, NODES_MAX, parseJobEvent, parseUnitEvent, STATEMENT_BYTES_MAX } from '../../../aem/protocol/index.ts'
import { plainBytes } from '../../../aem/protocol/shapes.ts'

/** Bytes of messages, and of events on disks, as they were once released, in hexadecimal: they are read for ever. */
const GOLDEN = join(import.meta.dirname, '../../golden/aem')

const PEER = '12D3KooWJrcD8moMtS7L4Kdhwbv6HWUTNSDrMmVAyNYmydTnj84z'
const JOB = '0123456789abcdefghjkmnpqrs'
const UNIT = `${JOB}.1.0`
const statement = { signed: 'by somebody', nonce: Uint8Array.of(1, 2, 3) }
const base = { number: 3, atMs: 1_797_861_048_000 }
const ofUnit = { ...base, unit: 0, node: PEER, attempt: 1 }
const order = {
  unitId: UNIT,
  jobId: JOB,
  name: 'render',
  index: 0,
  count: 1,
  attempt: 1,
  run: ['blender', '-b'],
  env: { A: 'b' },
  cores: 2,
  memoryBytes: 1_024,
  limits: { timeMs: 1_000 },
  inputs: [{ name: 'scene.blend', bytes: 3, sha256: '0'.repeat(64) }],
  outputs: ['*.png'],
  controller: PEER,
  owner: PEER,
  peers: [PEER],
}
const exits = [
  { kind: 'exited', code: 3 },
  { kind: 'signalled', signal: 'KILL' },
  { kind: 'timeout' },
  { kind: 'unstartable', reason: 'no shell' },
  { kind: 'vanished', reason: 'no power' },
] as const

const { parseRequest, parseReply } = jobWire
const MESSAGES: Record<string, { readonly parse: (value: unknown) => unknown; readonly values: readonly Plain[] }> = {
  'requests-1': {
    parse: parseRequest,
    values: [
      { type: 'hold', unitId: UNIT, cores: 2, memoryBytes: 0, holdMs: 15_000 },
      { type: 'confirm', jobId: JOB, attempt: 1, index: 0, peers: [PEER], controller: PEER, statement },
      { type: 'start', unitId: UNIT },
      { type: 'stop', unitId: UNIT, reason: 'not needed' },
      { type: 'unit-events', unitId: UNIT, from: 1 },
      { type: 'unit-report', unitId: UNIT, events: exits.map((exit) => ({ ...base, type: 'exited', exit })) },
    ],
  },
  'replies-1': {
    parse: parseReply,
    values: [
      { type: 'held' },
      { type: 'confirmed' },
      { type: 'noted' },
      { type: 'refused', reason: 'no room' },
      { type: 'given-up', reason: 'too late' },
      { type: 'events', events: ['confirmed', 'starting', 'started', 'settled'].map((type) => ({ ...base, type })) },
    ],
  },
  'job-events-1': {
    parse: parseJobEvent,
    values: [
      { ...base, type: 'submitted', jobId: JOB, owner: PEER, controller: PEER, body: { a: 1 }, statement },
      { ...base, type: 'queued', reason: 'no nodes' },
      { ...base, type: 'matched', attempt: 1, nodes: [PEER] },
      { ...base, type: 'placed', attempt: 1 },
      { ...ofUnit, type: 'unit-started' },
      ...exits.map((exit) => ({ ...ofUnit, type: 'unit-exited', exit })),
      { ...ofUnit, type: 'unit-lost', reason: 'away' },
      { ...ofUnit, type: 'unit-found', reason: 'back' },
      { ...base, type: 'cancelling', by: PEER, reason: 'not needed' },
      { ...base, type: 'ended', state: 'failed', exitCode: 3, reason: 'unit 0: exited with 3' },
    ],
  },
  'unit-events-1': {
    parse: parseUnitEvent,
    values: [
      { ...base, type: 'confirmed', order },
      { ...base, type: 'starting' },
      { ...base, type: 'started' },
      { ...base, type: 'stopping', reason: 'cancelled' },
      ...exits.map((exit) => ({ ...base, type: 'exited', exit })),
      { ...base, type: 'released', reason: 'not needed' },
      { ...base, type: 'settled' },
    ],
  },
}

describe('messages about jobs', () => {
  test.each(Object.entries(MESSAGES))(
    '%s are read from their stored bytes, and written as them',
    (name, { parse, values }) => {
      const path = join(GOLDEN, `${name}.hex`)
      const stored = readFileSync(path, 'utf8').trim().split('\n')
      expect(stored.map((line) => parse(decode(Buffer.from(line, 'hex'), { bytesMax: 10_000 })))).toEqual(values)
      expect(values.map((value) => Buffer.from(encode(value)).toString('hex'))).toEqual(stored)
    },
  )

  test('every stored message is read by somebody', () => {
    expect(readdirSync(GOLDEN).toSorted()).toEqual(
      Object.keys(MESSAGES)
        .map((name) => `${name}.hex`)
        .toSorted(),
    )
  })

  test.each([
    [{ type: 'explode' }],
    [{ type: 'hold', unitId: UNIT, cores: 0, memoryBytes: 0, holdMs: 1 }],
    [{ type: 'hold', unitId: UNIT, cores: 1, memoryBytes: 0, holdMs: 1e9 }],
    [{ type: 'start', unitId: `${JOB}.0.0` }],
    [{ type: 'start', unitId: `${JOB}.1.00` }],
    [{ type: 'start', unitId: '../../etc' }],
    [{ type: 'stop', unitId: UNIT, reason: 'x'.repeat(501) }],
    [{ type: 'unit-events', unitId: UNIT, from: 0 }],
    [{ type: 'confirm', jobId: JOB, attempt: 1, index: 0, peers: [PEER], controller: PEER }],
  ])('%j is refused', (value) => {
    expect(() => parseRequest(value)).toThrowError(expect.objectContaining({ code: 'MESSAGE_MALFORMED' }))
  })

  test('anything gives a message or MESSAGE_MALFORMED', () => {
    const types = ['hold', 'confirm', 'start', 'stop', 'unit-events', 'unit-report', 'events', 'matched', 'exited']
    const near = fc.record({
      type: fc.constantFrom(...types),
      unitId: fc.constant(UNIT),
      events: fc.anything(),
      order: fc.anything(),
    })
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near), (value) => {
        for (const parse of [parseRequest, parseReply, parseJobEvent, parseUnitEvent])
          try {
            parse(value)
          } catch (thrown) {
            expect(asRoostError(thrown).code).toBe('MESSAGE_MALFORMED')
          }
      }),
    )
  })

  test('the longest confirmation fits its bound', () => {
    const value = 'x'.repeat(STATEMENT_BYTES_MAX)
    const peers = Array.from({ length: NODES_MAX }, () => PEER)
    const message = { type: 'confirm', jobId: JOB, attempt: 1, index: 0, peers, controller: PEER, statement: value }
    expect(encode(message).length).toBeLessThan(jobWire.messageBytesMax)
  })

  test('the length of a plain value is never guessed shorter than its texts and bytes', () => {
    const plain = fc.letrec<{ plain: Plain }>((tie) => ({
      plain: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: 'binary' }),
        fc.uint8Array(),
        fc.array(tie('plain')),
        fc.dictionary(fc.string(), tie('plain')),
      ),
    })).plain
    fc.assert(
      fc.property(plain, (value) => {
        expect(plainBytes(value, 1e9)).toBeGreaterThanOrEqual(encode(value).length)
      }),
    )
  })
})
