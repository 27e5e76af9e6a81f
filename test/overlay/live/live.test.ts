import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Live, liveWire, RoostError, type LiveAttributes } from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const [self, asker, other] = peerIds(3) as [string, string, string]

function live(attributes: Partial<LiveAttributes> = {}): { service: Live; env: HandEnv<never, never, never> } {
  const env = new HandEnv<never, never, never>(self)
  const all = { static: { Cores: 8, Os: 'LINUX' }, dynamic: { FreeCores: 3 }, ...attributes }
  return { env, service: new Live({ surroundings: env, measure: () => all }) }
}

describe('a live question', () => {
  test('is answered with static and dynamic attributes and the rank', () => {
    const { service } = live()
    expect(service.answer(asker, { where: 'Cores >= 8 && FreeCores > 2', rank: 'FreeCores * 10' })).toEqual({
      type: 'match',
      attributes: { Cores: 8, Os: 'LINUX' },
      dynamic: { FreeCores: 3 },
      rank: 30,
    })
  })

  test.each([['FreeCores > 3'], ['Missing == 1'], ['Cores'], ['"text"'], ['1 / 0 == 1']])('%s is no match', (where) => {
    expect(live().service.answer(asker, { where })).toEqual({ type: 'no-match' })
  })

  test.each([['Missing'], ['"fast"'], ['1.0e308 * 1.0e308'], ['Cores / 0']])('a rank of %s counts as 0', (rank) => {
    expect(live().service.answer(asker, { where: 'true', rank })).toMatchObject({ rank: 0 })
  })

  test('sees the static value where a name stands in both', () => {
    const { service } = live({ dynamic: { Cores: 100 } })
    expect(service.answer(asker, { where: 'Cores == 8' })).toMatchObject({ type: 'match' })
  })

  test('that is malformed is refused as such', () => {
    expect(() => live().service.answer(asker, { where: 'Cores >=' })).toThrow(
      expect.objectContaining({ code: 'EXPRESSION_MALFORMED' }),
    )
  })

  test('is refused when one peer asks too much; others are answered', () => {
    const { service, env } = live()
    const ask = (from: string): unknown => service.answer(from, { where: 'true' })
    const flood = (): void => {
      for (let count = 0; count < 1_000; count++) ask(asker)
    }
    expect(flood).toThrow(expect.objectContaining({ code: 'BUSY' }))
    expect(ask(other)).toMatchObject({ type: 'match' })
    env.nowMs += 60_000
    expect(ask(asker)).toMatchObject({ type: 'match' })
  })

  test('law: anything is a request, a reply, or a typed error', () => {
    const { service } = live()
    const loose = fc.record({
      type: fc.constantFrom('match', 'no-match', 'other'),
      where: fc.oneof(fc.string(), fc.anything()),
      rank: fc.oneof(fc.string(), fc.double(), fc.anything()),
      attributes: fc.oneof(fc.dictionary(fc.string(), fc.anything()), fc.anything()),
      dynamic: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.oneof(fc.integer(), fc.string(), fc.anything())),
    })
    fc.assert(
      fc.property(fc.oneof(loose, fc.anything()), (value) => {
        for (const read of [() => service.answer(self, liveWire.parseRequest(value)), () => liveWire.parseReply(value)])
          try {
            read()
          } catch (error) {
            expect(error).toBeInstanceOf(RoostError)
          }
      }),
    )
  })
})
