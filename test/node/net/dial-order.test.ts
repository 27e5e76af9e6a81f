import { expect, test } from 'vitest'
import { compareAddresses } from '../../../node/net/dial-order.ts'

const isNear = (host: string): boolean => host.startsWith('10.1.')

test('tries near, public, relayed, private elsewhere and loopback addresses, in that order', () => {
  const ordered = [
    '/ip4/10.1.0.7/tcp/7667/p2p/a',
    '/ip6/2001:db8::7/tcp/7667/p2p/a',
    '/ip4/203.0.113.7/tcp/7667/p2p/a',
    '/ip4/203.0.113.9/tcp/7667/p2p/r/p2p-circuit/p2p/a',
    '/ip4/192.168.1.7/tcp/7667/p2p/a',
    '/ip4/127.0.0.1/tcp/7667/p2p/a',
  ]
  const shuffled = [5, 3, 1, 2, 4, 0].map((index) => ordered[index]!)
  expect(shuffled.toSorted((left, right) => compareAddresses(left, right, isNear))).toEqual(ordered)
})
