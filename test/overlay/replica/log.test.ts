import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../overlay/replica/index.ts'
import { ReplicaLog } from '../../../overlay/replica/log.ts'

const members = (index: number, term: number, name: string): Entry => ({
  index,
  term,
  atMs: 0,
  type: 'members',
  configuration: { voters: [{ peer: name, incarnation: 1 }], learners: [] },
})
const begin = (index: number, term: number): Entry => ({ index, term, atMs: 0, type: 'begin' })

describe('a log', () => {
  test('has the newest configuration, and the one before it once that is cut off', () => {
    const log = new ReplicaLog(undefined, [members(1, 1, 'a'), begin(2, 1), members(3, 2, 'b')])
    expect(log.configurationIndex).toBe(3)
    expect(log.configurationAt(2).index).toBe(1)
    log.truncate(3)
    expect(log.configuration.voters[0]!.peer).toBe('a')
    expect(log.knows('b')).toBe(false)
  })

  test('keeps its configuration and its last term behind a snapshot', () => {
    const log = new ReplicaLog(undefined, [members(1, 1, 'a'), begin(2, 1), begin(3, 2), begin(4, 2)])
    log.compact(3, 0)
    expect([log.baseIndex, log.termAt(3), log.termAt(2), log.lastIndex]).toEqual([3, 2, undefined, 4])
    expect(log.configurationIndex).toBe(1)
    log.truncate(4)
    expect([log.lastIndex, log.lastTerm]).toEqual([3, 2])
  })

  test('gives at least one entry, and more within the bounds', () => {
    const log = new ReplicaLog(undefined, [begin(1, 1), begin(2, 1), begin(3, 1)])
    expect(log.slice(2, { weightMax: 0, countMax: 9 }).map(({ index }) => index)).toEqual([2])
    expect(log.slice(1, { weightMax: 1e9, countMax: 2 }).map(({ index }) => index)).toEqual([1, 2])
    expect(log.slice(4, { weightMax: 1e9, countMax: 2 })).toEqual([])
  })

  test('law: after any appends, cuts and snapshots it is the list that it stands for', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('append' as const), rise: fc.nat(2) }),
        fc.record({ do: fc.constant('truncate' as const), at: fc.nat(20) }),
        fc.record({ do: fc.constant('compact' as const), at: fc.nat(20), keep: fc.nat(200) }),
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(steps, (taken) => {
        const log = new ReplicaLog()
        const terms = [0]
        for (const step of taken) {
          if (step.do === 'append') {
            terms.push(Math.max(1, terms.at(-1)! + step.rise))
            log.append([begin(terms.length - 1, terms.at(-1)!)])
          } else if (step.do === 'truncate' && step.at > log.baseIndex) {
            terms.length = Math.min(terms.length, step.at)
            log.truncate(step.at)
          } else if (step.do === 'compact') log.compact(Math.min(step.at, log.lastIndex), step.keep)
        }
        expect(log.lastIndex).toBe(terms.length - 1)
        expect(log.lastTerm).toBe(terms.at(-1))
        for (let index = 0; index <= terms.length; index++)
          expect(log.termAt(index)).toBe(index < log.baseIndex ? undefined : terms[index])
        expect(log.weight).toBe(log.weightAfter(log.baseIndex))
        for (let term = 0; term <= (terms.at(-1) ?? 0); term++) {
          const last = terms.findLastIndex((one) => one <= term)
          expect(log.lastAtMost(log.lastIndex, term)).toBe(last < log.baseIndex ? undefined : last)
        }
      }),
    )
  })
})
