import { expect, test } from 'vitest'
import {
  keyOf,
  mintDescriptor,
  Selection,
  LayoutChecker,
  DescriptorChecker,
  type Descriptor,
} from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const [self, other] = peerIds(2) as [string, string]

function descriptorOf(id: string, sequence: number): Descriptor {
  return mintDescriptor({ name: 'n', sequence, addresses: [], attributes: {} }, new HandEnv(id))
}

test('of a node that was heard of in one cell lately and in another before, the newest word is what is held', () => {
  const own = descriptorOf(self, 1)
  const create = (): Selection =>
    new Selection({
      own: () => own,
      checker: new DescriptorChecker(),
      mayLive: () => true,
      layouts: new LayoutChecker(),
    })
  const { cells } = create()
  const another = create().cells.home
  cells.replaceOthers([another])
  const [before, now] = [descriptorOf(other, 1), descriptorOf(other, 2)]
  cells.home.grouping.put(before, keyOf(before), 0)
  another.grouping.put(now, keyOf(now), 0)
  expect(new Set(cells.held())).toEqual(new Set([own, now]))
  expect(cells.get(other)).toBe(now)
})
