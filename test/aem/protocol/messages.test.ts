import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import { asRoostError, type Plain } from '../../../overlay/index.ts'
import { jobWire, NODES_MAX, parseJobEvent, parseUnitEvent, STATEMENT_BYTES_MAX } from '../../../aem/protocol/index.ts'
import { plainBytes } from '../../../aem/protocol/shapes.ts'

const PEER = '12D3KooWJrcD8moMtS7L4Kdhwbv6HWUTNSDrMmVAyNYmydTnj84z'
const JOB = '0123456789abcdefghjkmnpqrs'
const UNIT = `${JOB}.1.0`
const { parseRequest, parseReply } = jobWire

describe('messages about jobs', () => {
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
