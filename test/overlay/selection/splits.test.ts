import { expect, test } from 'vitest'
import {
  DescriptorChecker,
  keyOf,
  LayoutChecker,
  mintDescriptor,
  Selection,
  selectionWire,
  type Descriptor,
} from '../../../overlay/index.ts'
import { Simulation } from '../../../sim/engine/index.ts'

test('however cells split while nodes join, each ends with those who share its prefix and with nobody else', async () => {
  const simulation = new Simulation({ seed: 3, replay: 'npx vitest run test/overlay/selection' })
  const checker = new DescriptorChecker()
  const descriptors: Descriptor[] = []
  const selections: Selection[] = []
  for (let wave = 0; wave < 20; wave++) {
    for (let count = 0; count < 40; count++)
      simulation.addNode({
        mount: (node) => {
          const minted = mintDescriptor({ name: 'n', sequence: 1, addresses: [], attributes: {} }, node.surroundings)
          const checked = checker.check(minted, node.surroundings)
          if (!checked.ok) throw new Error(checked.fault)
          const own = checked.descriptor
          const selection = new Selection(
            { own: () => own, checker, mayLive: () => true, layouts: new LayoutChecker() },
            { cellCountMax: 64, cellCountMin: 8, sampleCountMin: Number.MAX_SAFE_INTEGER },
          )
          const env = node.mount(selectionWire, selection, () => {})
          for (const seed of descriptors.slice(0, 3)) selection.learn(seed, env)
          descriptors.push(own)
          selections.push(selection)
        },
      })
    await simulation.run(1_000)
  }
  await simulation.run(60_000)
  expect(selections.some(({ isOneCell }) => !isOneCell)).toBe(true)
  for (const selection of selections) {
    const { grouping } = selection.cells.home
    const there = descriptors.filter((descriptor) => grouping.encloses(keyOf(descriptor)))
    expect(new Set(selection.members())).toEqual(new Set(there))
  }
})
