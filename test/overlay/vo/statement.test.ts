import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  NonceMemory,
  parseJoinReply,
  parseJoinRequest,
  parsePresented,
  parseSignedStatement,
  RoostError,
  STATEMENT_AGE_MS_MAX,
  STATEMENT_AHEAD_MS_MAX,
} from '../../../overlay/index.ts'

const NOW_MS = 1_800_000_000_000
const nonce = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number, 0, 0, 0]).buffer)
const coded = (code: string): unknown => expect.objectContaining({ code })

describe('the memory of nonces', () => {
  const memory = (limits?: { countMax: number; perSignerCountMax: number }): NonceMemory =>
    new NonceMemory(NOW_MS - 3_600_000, limits)

  test('takes a statement once, from each signer', () => {
    const nonces = memory()
    nonces.take('a', { atMs: NOW_MS, nonce: nonce(1) }, NOW_MS)
    nonces.take('b', { atMs: NOW_MS, nonce: nonce(1) }, NOW_MS)
    nonces.take('a', { atMs: NOW_MS, nonce: nonce(2) }, NOW_MS)
    expect(() => nonces.take('a', { atMs: NOW_MS, nonce: nonce(1) }, NOW_MS + 1)).toThrow(coded('STATEMENT_STALE'))
  })

  test('refuses the old, the far ahead, and what is from before it began', () => {
    const nonces = new NonceMemory(NOW_MS - 1_000)
    const take = (atMs: number, wallMs: number): void => nonces.take('a', { atMs, nonce: nonce(atMs % 1000) }, wallMs)
    expect(() => take(NOW_MS, NOW_MS + STATEMENT_AGE_MS_MAX + 1)).toThrow(coded('STATEMENT_STALE'))
    expect(() => take(NOW_MS + STATEMENT_AHEAD_MS_MAX + 1, NOW_MS)).toThrow(coded('STATEMENT_STALE'))
    expect(() => take(NOW_MS - 1_001, NOW_MS)).toThrow(/before this node started/)
    take(NOW_MS + STATEMENT_AHEAD_MS_MAX, NOW_MS)
  })

  test('full, it refuses rather than forgets, and takes again when time has passed', () => {
    const nonces = memory({ countMax: 3, perSignerCountMax: 2 })
    const take = (signer: string, number: number, atMs = NOW_MS): void =>
      nonces.take(signer, { atMs, nonce: nonce(number) }, atMs)
    take('a', 1)
    take('a', 2)
    expect(() => take('a', 3)).toThrow(coded('BUSY'))
    take('b', 1)
    expect(() => take('c', 1)).toThrow(coded('BUSY'))
    const laterMs = NOW_MS + STATEMENT_AGE_MS_MAX + 1
    take('a', 4, laterMs)
    expect(nonces.count).toBe(1)
  })

  test('what it forgot stays refused when the clock is set back', () => {
    const nonces = memory()
    nonces.take('a', { atMs: NOW_MS, nonce: nonce(1) }, NOW_MS)
    const laterMs = NOW_MS + STATEMENT_AGE_MS_MAX + 1
    nonces.take('a', { atMs: laterMs, nonce: nonce(2) }, laterMs)
    expect(() => nonces.take('a', { atMs: NOW_MS, nonce: nonce(1) }, NOW_MS)).toThrow(coded('STATEMENT_STALE'))
  })

  test('takes nothing twice, whatever the clock does', () => {
    const step = fc.record({
      number: fc.integer({ min: 0, max: 5 }),
      ageMs: fc.integer({ min: -STATEMENT_AHEAD_MS_MAX, max: STATEMENT_AGE_MS_MAX }),
      jumpMs: fc.integer({ min: -2 * STATEMENT_AGE_MS_MAX, max: 2 * STATEMENT_AGE_MS_MAX }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const nonces = memory({ countMax: 20, perSignerCountMax: 20 })
        const statements = new Map<number, { atMs: number; nonce: Uint8Array }>()
        const taken = new Set<number>()
        let wallMs = NOW_MS
        for (const { number, ageMs, jumpMs } of steps) {
          wallMs += jumpMs
          const statement = statements.get(number) ?? { atMs: wallMs - ageMs, nonce: nonce(number) }
          statements.set(number, statement)
          try {
            nonces.take('a', statement, wallMs)
          } catch (error) {
            expect(error).toBeInstanceOf(RoostError)
            continue
          }
          expect(taken.has(number)).toBe(false)
          taken.add(number)
        }
      }),
    )
  })
})

describe('messages', () => {
  const readers = { parseJoinReply, parseJoinRequest, parsePresented, parseSignedStatement }

  test.each(Object.entries(readers))('%s gives a typed error for anything else', (_, parse) => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        try {
          parse(value)
        } catch (error) {
          expect(error).toMatchObject({ code: 'MESSAGE_MALFORMED' })
        }
      }),
    )
  })

  test('a body that is absent is one that is undefined', () => {
    const statement = { action: 'x', atMs: 1, nonce: nonce(1) }
    const signed = {
      statement,
      signer: '12D3KooWJrcD8moMtS7L4Kdhwbv6HWUTNSDrMmVAyNYmydTnj84z',
      certificate: new Uint8Array(3),
      signature: new Uint8Array(64),
    }
    expect(parseSignedStatement(signed).statement).toEqual({ ...statement, body: undefined })
  })

  test('lengths are exact where they mean something', () => {
    const redeem = { type: 'redeem', fingerprint: 'a'.repeat(64), secret: new Uint8Array(16) }
    expect(parseJoinRequest(redeem)).toEqual(redeem)
    expect(() => parseJoinRequest({ ...redeem, secret: new Uint8Array(15) })).toThrow(coded('MESSAGE_MALFORMED'))
    expect(() => parseJoinRequest({ ...redeem, fingerprint: 'A'.repeat(64) })).toThrow(coded('MESSAGE_MALFORMED'))
  })
})
