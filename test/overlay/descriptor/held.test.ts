import { describe, expect, test } from 'vitest'
import { derivedFrom, DescriptorChecker, keyOf, mintDescriptor, peerKey } from '../../../overlay/descriptor/index.ts'
import { Simulation, type NodeHost } from '../../../sim/engine/index.ts'

function aNode(): NodeHost {
  const simulation = new Simulation({ seed: 5 })
  let node: NodeHost | undefined
  simulation.addNode({ mount: (host) => (node = host) })
  return node!
}

describe('what is worked out of a descriptor', () => {
  const { surroundings } = aNode()
  const descriptor = mintDescriptor({ name: 'a', sequence: 1, addresses: [], attributes: {} }, surroundings)

  test('is worked out once for each of the two latest who ask, and follows from the descriptor alone', () => {
    const [one, other, third] = [{}, {}, {}]
    let derivedCount = 0
    const derive = (): number => ++derivedCount
    expect([one, other, one, other].map((by) => derivedFrom(descriptor, by, derive))).toEqual([1, 2, 1, 2])
    expect(derivedFrom(descriptor, third, derive)).toBe(3)
    expect(derivedFrom(descriptor, third, derive)).toBe(3)
  })

  test('stands in no copy and on no wire', () => {
    expect(Object.keys(descriptor)).toEqual([
      'peer',
      'name',
      'sequence',
      'expiresMs',
      'addresses',
      'attributes',
      'signature',
    ])
    expect(keyOf({ ...descriptor })).toBe(keyOf(descriptor))
  })

  test('is kept with what was verified', () => {
    const checked = new DescriptorChecker().check({ ...descriptor }, surroundings)
    expect(checked.ok && keyOf(checked.descriptor)).toBe(peerKey(surroundings.self))
  })

  test('keys of peers spread over all 32 bits', () => {
    const simulation = new Simulation({ seed: 9 })
    const keys = Array.from({ length: 4_096 }, () => peerKey(simulation.drawId()))
    for (const shift of [0, 8, 16, 24]) {
      const counts = new Array<number>(16).fill(0)
      for (const key of keys) counts[(key >>> shift) & 15]!++
      expect(Math.min(...counts)).toBeGreaterThan(180)
      expect(Math.max(...counts)).toBeLessThan(340)
    }
  })
})
