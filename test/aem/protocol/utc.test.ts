import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { utcText } from '../../../aem/protocol/utc.ts'

test('a time is written as the calendar has it', () => {
  const moments = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
  fc.assert(
    fc.property(moments, (wallMs) => {
      const expected = new Date(wallMs).toISOString().replace('T', ' ').replace(/\..*/, ' UTC')
      expect(utcText(wallMs)).toBe(expected)
    }),
  )
})
