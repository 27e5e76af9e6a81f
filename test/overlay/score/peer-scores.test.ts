import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OFFENCE_WEIGHTS, PeerScores, SCORE_DEFAULTS, weightOf, type CutOff } from '../../../overlay/index.ts'

const { scoreMax, halfLifeMs, cutOffMsMin, cutOffMsMax, strikeMs, peerCountMax } = SCORE_DEFAULTS
const forged = { protocol: 'sampling', reason: 'forged' }
const malformed = { protocol: 'membership', reason: 'malformed' }

/** Refuses again and again until the peer is cut off. */
function provoke(scores: PeerScores, peer: string, nowMs: number): CutOff {
  for (let count = 0; count <= scoreMax; count++) {
    const cutOff = scores.note(peer, forged, nowMs)
    if (cutOff !== undefined) return cutOff
  }
  throw new Error('it is never cut off')
}

describe('a score', () => {
  test('grows with each refusal, and half of it is forgiven in a half-life', () => {
    const scores = new PeerScores()
    scores.note('a', forged, 0)
    scores.note('a', malformed, 0)
    expect(scores.scoreOf('a', 0)).toBe(weightOf('forged') + weightOf('malformed'))
    expect(scores.scoreOf('a', halfLifeMs)).toBeCloseTo((weightOf('forged') + weightOf('malformed')) / 2)
    expect(scores.scoreOf('b', 0)).toBe(0)
  })

  test.each([
    ['what a newer version says that this one does not know, once a second', 'malformed', 1_000],
    ['a question too many, ten times a second', 'rate', 100],
    ['words that this clock calls expired, fifty times a second', 'expired', 20],
    ['words that were signed twice by somebody else, at any rate', 'conflict', 100],
    ['what a protocol has a reason of its own for, twenty times a second', 'layout-unlikely', 50],
  ])('never cuts off for %s', (_, reason, everyMs) => {
    const scores = new PeerScores()
    for (let nowMs = 0; nowMs < 600_000; nowMs += everyMs)
      expect(scores.note('a', { protocol: 'x', reason }, nowMs)).toBeUndefined()
  })

  test.each(['oversized', 'unreadable', 'forged', 'ahead'])('cuts off for a burst of what is %s', (reason) => {
    const scores = new PeerScores()
    const count = Math.ceil(scoreMax / OFFENCE_WEIGHTS[reason]!)
    for (let index = 1; index < count; index++) expect(scores.note('a', { protocol: 'x', reason }, 0)).toBeUndefined()
    expect(scores.note('a', { protocol: 'x', reason }, 0)).toMatchObject({ peer: 'a', reason: `x ${reason}` })
  })
})

describe('a cut off', () => {
  test('names what weighed most, lasts its time, and ends with a clean sheet', () => {
    const scores = new PeerScores()
    scores.note('a', malformed, 0)
    const cutOff = provoke(scores, 'a', 0)
    expect(cutOff).toEqual({ peer: 'a', reason: 'sampling forged', sinceMs: 0, untilMs: cutOffMsMin, strikeCount: 1 })
    expect(scores.cutOffOf('a', cutOffMsMin - 1)).toBe(cutOff)
    expect(scores.cutOffs(cutOffMsMin - 1)).toEqual([cutOff])
    expect(scores.cutOffOf('a', cutOffMsMin)).toBeUndefined()
    expect(scores.cutOffs(cutOffMsMin)).toEqual([])
    expect(scores.scoreOf('a', cutOffMsMin)).toBe(0)
  })

  test('is of one peer, and not of the others', () => {
    const scores = new PeerScores()
    provoke(scores, 'a', 0)
    expect(scores.cutOffOf('b', 0)).toBeUndefined()
    expect(scores.note('b', malformed, 0)).toBeUndefined()
  })

  test('is not made longer by what still comes from before it', () => {
    const scores = new PeerScores()
    const cutOff = provoke(scores, 'a', 0)
    for (let count = 0; count < 1_000; count++) expect(scores.note('a', forged, 1)).toBeUndefined()
    expect(scores.cutOffOf('a', 1)).toBe(cutOff)
    expect(scores.scoreOf('a', 1)).toBe(0)
  })

  test('is twice as long each time, up to the longest', () => {
    const scores = new PeerScores()
    let nowMs = 0
    const lengths = Array.from({ length: 10 }, () => {
      const { sinceMs, untilMs } = provoke(scores, 'a', nowMs)
      nowMs = untilMs
      return untilMs - sinceMs
    })
    expect(lengths.slice(0, 3)).toEqual([cutOffMsMin, 2 * cutOffMsMin, 4 * cutOffMsMin])
    expect(lengths.at(-1)).toBe(cutOffMsMax)
  })

  test('is forgotten after a long time of peace', () => {
    const scores = new PeerScores()
    const { untilMs } = provoke(scores, 'a', 0)
    expect(provoke(scores, 'a', untilMs + strikeMs - 1).strikeCount).toBe(2)
    expect(provoke(scores, 'b', 0).strikeCount).toBe(1)
    expect(provoke(scores, 'b', untilMs + strikeMs).strikeCount).toBe(1)
  })
})

test('remembers a bounded number of peers, and those that are cut off longest', () => {
  const scores = new PeerScores()
  provoke(scores, 'bad', 0)
  for (let index = 0; index < 2 * peerCountMax; index++) scores.note(`peer${index}`, malformed, index)
  expect(scores.count).toBe(peerCountMax)
  expect(scores.cutOffOf('bad', 1)).toBeDefined()
  const full = new PeerScores({ peerCountMax: 2 })
  for (const peer of ['a', 'b', 'c']) provoke(full, peer, 0)
  expect(full.cutOffs(0).map(({ peer }) => peer)).toEqual(['b', 'c'])
})

test('whatever comes: scores stay below the bound, cut offs end, and the table stays small', () => {
  const steps = fc.array(
    fc.record({
      peer: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      reason: fc.oneof(fc.constantFrom(...Object.keys(OFFENCE_WEIGHTS)), fc.constantFrom('__proto__', 'x')),
      afterMs: fc.nat({ max: 30_000 }),
      times: fc.integer({ min: 1, max: 40 }),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(steps, (taken) => {
      const scores = new PeerScores({ peerCountMax: 4 })
      let nowMs = 0
      for (const { peer, reason, afterMs, times } of taken) {
        nowMs += afterMs
        for (let time = 0; time < times; time++) {
          const cutOff = scores.note(peer, { protocol: 'x', reason }, nowMs)
          if (cutOff !== undefined) expect(cutOff.untilMs - nowMs).toBeLessThanOrEqual(cutOffMsMax)
        }
        expect(scores.scoreOf(peer, nowMs)).toBeLessThan(scoreMax)
        expect(scores.count).toBeLessThanOrEqual(4)
      }
      expect(scores.cutOffs(nowMs + cutOffMsMax)).toEqual([])
    }),
  )
})
