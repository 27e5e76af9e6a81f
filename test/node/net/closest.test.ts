import { describe, expect, test } from 'vitest'
import { ClosestPeers } from '../../../node/net/closest.ts'
import { generateKey } from '../../../node/keys/index.ts'
import type { PeerId } from '../../../overlay/index.ts'

type Dht = ConstructorParameters<typeof ClosestPeers>[0]

const peers = Array.from({ length: 200 }, () => generateKey().id)
const key = new Uint8Array(32).fill(7)

/** A DHT that finds these, and counts how often it was asked. */
function dhtWith(found: readonly PeerId[]): { dht: Dht; asked: { count: number } } {
  const asked = { count: 0 }
  const dht = {
    async *getClosestPeers() {
      asked.count++
      for (const id of found) yield { name: 'FINAL_PEER', peer: { id: { toString: () => id } } }
    },
  } as unknown as Dht
  return { dht, asked }
}

const nobody = (): boolean => false

describe('the nearest nodes', () => {
  test('are the same for whoever knows them, in one order', async () => {
    const closest = new ClosestPeers(dhtWith([]).dht, () => 0)
    const known = peers.slice(0, 50)
    const found = await closest.find(key, { count: 8, known, except: nobody })
    expect(found).toHaveLength(8)
    expect(await closest.find(key, { count: 8, known: known.toReversed(), except: nobody })).toEqual(found)
    const fewer = await closest.find(key, { count: 3, known, except: nobody })
    expect(fewer).toEqual(found.slice(0, 3))
  })

  test('change by one where one of them is gone', async () => {
    const closest = new ClosestPeers(dhtWith([]).dht, () => 0)
    const known = peers.slice(0, 50)
    const found = await closest.find(key, { count: 8, known, except: nobody })
    const without = await closest.find(key, {
      count: 8,
      known: known.filter((peer) => peer !== found[2]),
      except: nobody,
    })
    expect(without.slice(0, 7)).toEqual(found.filter((_, index) => index !== 2))
  })

  test('differ from key to key', async () => {
    const closest = new ClosestPeers(dhtWith([]).dht, () => 0)
    const firsts = new Set<PeerId>()
    for (let byte = 0; byte < 16; byte++) {
      const [first] = await closest.find(new Uint8Array(32).fill(byte), { count: 1, known: peers, except: nobody })
      firsts.add(first!)
    }
    expect(firsts.size).toBeGreaterThan(8)
  })

  test('of a small grid are reckoned; of a large one the DHT is asked too, once a minute', async () => {
    const { dht, asked } = dhtWith(peers.slice(150))
    let nowMs = 0
    const closest = new ClosestPeers(dht, () => nowMs)
    await closest.find(key, { count: 8, known: peers.slice(0, 100), except: nobody })
    expect(asked.count).toBe(0)
    const all = await closest.find(key, { count: 200, known: peers.slice(0, 150), except: nobody })
    expect(new Set(all)).toEqual(new Set(peers))
    await closest.find(key, { count: 8, known: peers.slice(0, 150), except: nobody })
    expect(asked.count).toBe(1)
    nowMs = 60_001
    await closest.find(key, { count: 8, known: peers.slice(0, 150), except: nobody })
    expect(asked.count).toBe(2)
  })

  test('are none that the DHT still speaks of and that are known to be gone', async () => {
    const closest = new ClosestPeers(dhtWith(peers.slice(150)).dht, () => 0)
    const except = (peer: PeerId): boolean => peer === peers[160]
    const all = await closest.find(key, { count: 200, known: peers.slice(0, 150), except })
    expect(all).not.toContain(peers[160])
    expect(all).toHaveLength(199)
  })
})
