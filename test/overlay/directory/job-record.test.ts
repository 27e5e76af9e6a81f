import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCrypto, generateKey } from '../../../node/keys/index.ts'
import {
  CONTROLLERS_COUNT_MAX,
  RoostError,
  compareJobRecords,
  parseJobRecord,
  signJobRecord,
} from '../../../overlay/index.ts'
import type { JobRecordFields, SignedJobRecord } from '../../../overlay/index.ts'

const keys = [generateKey(), generateKey(), generateKey()]
const cryptos = keys.map(createCrypto)

function record(fields: Partial<JobRecordFields> = {}): JobRecordFields {
  return {
    jobId: 'job-1',
    controllers: [keys[0]!.id],
    epoch: 1,
    sequence: 1,
    owner: keys[1]!.id,
    vo: 'a'.repeat(64),
    ...fields,
  }
}

const signed = fc
  .record({ epoch: fc.nat(2), sequence: fc.nat(2), leader: fc.nat(1) })
  .map(({ epoch, sequence, leader }) =>
    signJobRecord(record({ epoch, sequence, controllers: [keys[leader]!.id] }), cryptos[leader]!),
  )

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    return thrown instanceof RoostError ? thrown.code : String(thrown)
  }
  return 'none'
}

describe('a signed record', () => {
  test('that its leader signed is read at another node', () => {
    const made = signJobRecord(record(), cryptos[0]!)
    expect(parseJobRecord(structuredClone(made), cryptos[1]!)).toEqual(made)
  })

  test('that anyone else signed, or in which anything was changed, is refused', () => {
    const made = signJobRecord(record(), cryptos[0]!)
    expect(codeOf(() => parseJobRecord(signJobRecord(record(), cryptos[1]!), cryptos[0]!))).toBe('SIGNATURE_INVALID')
    const changes: Partial<JobRecordFields>[] = [
      { jobId: 'job-2' },
      { controllers: [keys[0]!.id, keys[1]!.id] },
      { epoch: 2 },
      { sequence: 2 },
      { owner: keys[2]!.id },
      { vo: 'b' },
    ]
    for (const change of changes) {
      const changed = { ...made, record: { ...made.record, ...change } }
      expect(codeOf(() => parseJobRecord(changed, cryptos[1]!))).toBe('SIGNATURE_INVALID')
    }
  })

  test('beyond the bounds is neither made nor read', () => {
    const bad: unknown[] = [
      { controllers: [] },
      { controllers: Array(CONTROLLERS_COUNT_MAX + 1).fill(keys[0]!.id) },
      { controllers: ['nobody'] },
      { jobId: '' },
      { jobId: 'a/b' },
      { jobId: 'x'.repeat(65) },
      { epoch: -1 },
      { sequence: 0.5 },
      { owner: 'x'.repeat(129) },
    ]
    for (const fields of bad) {
      const made = record(fields as Partial<JobRecordFields>)
      expect(codeOf(() => signJobRecord(made, cryptos[0]!))).toBe('MESSAGE_MALFORMED')
      const value = { record: made, signature: new Uint8Array(64) }
      expect(codeOf(() => parseJobRecord(value, cryptos[0]!))).toBe('MESSAGE_MALFORMED')
    }
  })

  test('that is anything at all is read or refused, never more', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(['MESSAGE_MALFORMED', 'SIGNATURE_INVALID']).toContain(codeOf(() => parseJobRecord(value, cryptos[0]!)))
      }),
    )
  })
})

describe('the order of records', () => {
  test('a higher epoch wins over any sequence, then a higher sequence', () => {
    const [old, later, takenOver] = [
      signJobRecord(record({ epoch: 1, sequence: 1 }), cryptos[0]!),
      signJobRecord(record({ epoch: 1, sequence: 9 }), cryptos[0]!),
      signJobRecord(record({ epoch: 2, sequence: 0, controllers: [keys[1]!.id] }), cryptos[1]!),
    ]
    expect(compareJobRecords(old, later)).toBeLessThan(0)
    expect(compareJobRecords(later, takenOver)).toBeLessThan(0)
  })

  test('is total: whoever has seen the same records keeps the same one, in whatever order they came', () => {
    const newest = (records: readonly SignedJobRecord[]): SignedJobRecord =>
      records.reduce((kept, next) => (compareJobRecords(kept, next) < 0 ? next : kept))
    fc.assert(
      fc.property(fc.array(signed, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat()), (records, chance) => {
        const shuffled = records
          .map((entry) => ({ entry, rank: chance.next().value }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ entry }) => entry)
        expect(newest(shuffled)).toEqual(newest(records))
      }),
    )
  })

  test('is antisymmetric, and 0 only for one record', () => {
    fc.assert(
      fc.property(signed, signed, (left, right) => {
        expect(Math.sign(compareJobRecords(left, right))).toBe(-Math.sign(compareJobRecords(right, left)) + 0)
        if (compareJobRecords(left, right) === 0) expect(left).toEqual(right)
      }),
    )
  })
})
