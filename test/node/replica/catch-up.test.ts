import { expect, test } from 'vitest'
import { catchUp } from '../../support/catch-up.ts'

/** Small; `scripts/replica-catch-up.ts` has it as large as one likes. */
const STATE_BYTES = 16_777_216

test('a member that was away is sent a large state while the group serves, and has the same', async () => {
  const { digests, meanwhileMs } = await catchUp(STATE_BYTES, () => {})
  expect(digests[1]).toEqual(digests[0])
  expect(digests[0][1]).toBeGreaterThanOrEqual(STATE_BYTES)
  expect(meanwhileMs.length).toBeGreaterThan(0)
}, 240_000)
