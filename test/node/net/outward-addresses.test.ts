import { expect, test } from 'vitest'
import { outwardAddresses } from '../../../node/net/outward-addresses.ts'

const LOOPBACKS = ['/ip4/127.0.0.1/tcp/7667/p2p/a', '/ip6/::1/tcp/7667/p2p/a']
const OUTWARD = ['/ip4/10.77.0.1/tcp/7667/p2p/a', '/ip6/::12/tcp/7667/p2p/a']

test('leaves loopback out where another machine would find itself there', () => {
  expect(outwardAddresses([...LOOPBACKS, ...OUTWARD])).toEqual(OUTWARD)
})

test('keeps loopback where there is nothing else', () => {
  expect(outwardAddresses(LOOPBACKS)).toEqual(LOOPBACKS)
})

test('leaves out what has no meaning without the name of an interface', () => {
  expect(outwardAddresses(['/ip6/fe80::1/tcp/7667/p2p/a', ...OUTWARD])).toEqual(OUTWARD)
})
