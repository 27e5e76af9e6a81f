import { expect, test } from 'vitest'
import { rollingUpgrade } from '../../support/rolling-upgrade.ts'

test('a grid that is restarted node by node under load fails no request, loses no commit and no job', async () => {
  const { answered, failures } = await rollingUpgrade({ daemonCount: 3, seed: 1, say: () => {} })
  expect(failures).toEqual([])
  for (const count of Object.values(answered)) expect(count).toBeGreaterThan(0)
})
