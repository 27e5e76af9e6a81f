import { expect, test } from 'vitest'
import { forty, type Figure } from '../../support/forty.ts'

test('eight daemons come to see just the living: half are killed at once and come back, the first goes for good', async () => {
  const figures: Figure[] = []
  await forty({ daemonCount: 8, seed: 1, say: () => {}, onFigure: (figure) => figures.push(figure) })
  // That it came to that is what counts here; how soon depends on who else uses the machine (`scripts/forty.ts`).
  expect(figures.filter(({ bar }) => bar !== undefined)).toHaveLength(6)
})
