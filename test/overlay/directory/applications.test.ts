import { describe, expect, test } from 'vitest'
import {
  HOLDERS_COUNT,
  PUBLICATIONS_COUNT_MAX,
  PUBLISH_ACTION,
  RoostError,
  applicationsWire,
  publicationBody,
  shardKey,
  signApplicationRecord,
  type ApplicationRequest,
  type MemberStatement,
  type PeerId,
  type SignedApplicationRecord,
} from '../../../overlay/index.ts'
import { SimulatedCrypto } from '../../../sim/engine/crypto.ts'
import { ApplicationGrid, VO, WALL_START_MS, application } from './application-grid.ts'

const TTL_MS = 60_000

function signedBy(signer: PeerId, publisher: PeerId, wallMs: number, fields: object = {}): SignedApplicationRecord {
  const record = { ...application(), publisher, vo: VO, sequence: wallMs, atMs: wallMs, ...fields }
  return signApplicationRecord(record, new SimulatedCrypto(signer, 1))
}

function wallMsOf(grid: ApplicationGrid): number {
  return Math.floor(grid.simulation.nowMs) + WALL_START_MS
}

describe('an application', () => {
  test('that one node publishes is found from every other, by name and by attribute', async () => {
    const grid = new ApplicationGrid({ count: 20 })
    await grid.publish(3, { attributes: { version: 2 } })
    for (let index = 0; index < 20; index++) {
      expect(await grid.resolve(index)).toEqual([grid.ids[3]])
      expect(await grid.find(index, 'version >= 2 && Name == "web"')).toEqual(['web'])
      expect(await grid.find(index, 'version > 2')).toEqual([])
    }
  })

  test('of several publishers is found with all of them', async () => {
    const grid = new ApplicationGrid({ count: 12 })
    for (const index of [1, 4, 7]) await grid.publish(index)
    const publishers = [1, 4, 7].map((index) => grid.ids[index]!).toSorted()
    expect(await grid.resolve(10)).toEqual(publishers)
  })

  test('lies with no more nodes than keep its shard', async () => {
    const grid = new ApplicationGrid({ count: 40 })
    await grid.publish(0)
    const heldCount = [...grid.nodes.values()].reduce((sum, node) => sum + node.heldCount, 0)
    expect(heldCount).toBe(HOLDERS_COUNT)
  })

  test('is gone a time to live after its publisher crashed, and not before others renewed theirs', async () => {
    const grid = new ApplicationGrid({ count: 12 })
    await grid.publish(1)
    await grid.publish(2)
    await grid.simulation.run(10 * TTL_MS)
    expect(await grid.resolve(5)).toHaveLength(2)
    grid.simulation.crash(grid.ids[1]!)
    await grid.simulation.run(TTL_MS)
    expect(await grid.resolve(5)).toEqual([grid.ids[2]])
    expect(await grid.find(5, 'true')).toEqual(['web'])
  })

  test('is gone at once where its publisher is known to be gone', async () => {
    const grid = new ApplicationGrid({ count: 12 })
    await grid.publish(1)
    grid.simulation.crash(grid.ids[1]!)
    grid.gone.add(grid.ids[1]!)
    expect(await grid.resolve(5)).toEqual([])
    expect(await grid.find(5, 'version == 1')).toEqual([])
  })

  test('is gone at once where it was taken back, also while some holders do not hear of it', async () => {
    const grid = new ApplicationGrid({ count: 20 })
    await grid.publish(1)
    const holders = [...grid.nodes].filter(([, node]) => node.heldCount > 0).map(([id]) => id)
    grid.simulation.network.cut(
      grid.ids[1]!,
      holders.find((id) => id !== grid.ids[1])!,
    )
    await grid.ask(() => grid.at(1).takeBack(application()))
    for (const index of [0, 1, 2, 3, 4]) expect(await grid.resolve(index)).toEqual([])
    expect(grid.at(1).published()).toEqual([])
  })

  test('that is published again after it was taken back is found', async () => {
    const grid = new ApplicationGrid({ count: 10 })
    await grid.publish(1)
    await grid.ask(() => grid.at(1).takeBack(application()))
    await grid.publish(1, { endpoints: ['tcp://127.0.0.1:81'] })
    const [found] = await grid.ask(() => grid.at(5).resolve('web', { timeoutMs: 5_000 }))
    expect(found!.record.endpoints).toEqual(['tcp://127.0.0.1:81'])
  })

  test('outlives the loss of half of all nodes at once, and is found from all that are left', async () => {
    const grid = new ApplicationGrid({ count: 40 })
    await grid.publish(0)
    for (const id of grid.ids.slice(20)) grid.simulation.crash(id)
    // Not yet known to be gone: they are asked and say nothing.
    for (const index of [1, 8, 15]) expect(await grid.resolve(index)).toEqual([grid.ids[0]])
    for (const id of grid.ids.slice(20)) grid.gone.add(id)
    await grid.simulation.run(5_000)
    const heldCount = grid.ids.slice(0, 20).filter((id) => grid.nodes.get(id)!.heldCount > 0).length
    expect(heldCount).toBe(HOLDERS_COUNT)
  })

  test('reaches nodes that come and are nearer than those that keep it', async () => {
    const grid = new ApplicationGrid({ count: 10 })
    await grid.publish(0)
    for (let count = 0; count < 60; count++) grid.add()
    await grid.simulation.run(5_000)
    for (const index of [1, 9, 30, 69]) expect(await grid.resolve(index)).toEqual([grid.ids[0]])
  })

  test('is found by a grid of one node, and by those who come later', async () => {
    const grid = new ApplicationGrid({ count: 1 })
    await grid.publish(0)
    expect(await grid.resolve(0)).toEqual([grid.ids[0]])
    grid.add()
    await grid.simulation.run(5_000)
    expect(await grid.resolve(1)).toEqual([grid.ids[0]])
  })

  test('is published and found although messages are lost and machines disagree about the time', async () => {
    const grid = new ApplicationGrid({ count: 20, lossShare: 0.05, duplicateShare: 0.05, wallSkewMsMax: 60_000 })
    for (let index = 0; index < 10; index++)
      await grid
        .publish(index, { name: `app${index}` })
        .catch((thrown: RoostError) => expect(thrown.code).toBe('RECORD_REFUSED'))
    await grid.simulation.run(20 * TTL_MS)
    for (let index = 0; index < 10; index++)
      expect(await grid.resolve(19 - index, `app${index}`)).toEqual([grid.ids[index]])
    expect(grid.refused).toEqual([])
  })
})

describe('a name of two owners', () => {
  const MEMBER = '12D3KooWJ2sZ9LSRm3Hnkuser11111111111111111111111111'

  /** A member's words for what a node publishes; in the simulation trust is a list of names. */
  function wordsFor(grid: ApplicationGrid, index: number, fields = application()): MemberStatement {
    const body = publicationBody(grid.ids[index]!, fields)
    const statement = { action: PUBLISH_ACTION, body, atMs: 1, nonce: new Uint8Array(16) }
    return { statement, signer: MEMBER, certificate: Uint8Array.of(1), signature: new Uint8Array(64) }
  }

  async function publishers(grid: ApplicationGrid, owner?: string): Promise<PeerId[]> {
    const options = { timeoutMs: 5_000, ...(owner !== undefined && { owner }) }
    const found = await grid.ask(() => grid.at(0).resolve('web', options))
    return found.map(({ record }) => record.publisher).toSorted()
  }

  test('is two names: a stranger’s endpoint is not among a member’s, whatever the stranger says', async () => {
    const grid = new ApplicationGrid({ count: 12 })
    grid.members.add(MEMBER)
    for (const index of [3, 4])
      await grid.ask(() => grid.at(index).publish(application(), { statement: wordsFor(grid, index) }))
    await grid.publish(7)
    await grid.ask(() => grid.at(8).publish(application({ instance: 'x' }), { job: 'j' }))
    // The member's words for another node, and for other endpoints.
    const stolen = { ...application(), endpoints: ['tcp://127.0.0.1:666'] }
    for (const [fields, words] of [
      [application(), wordsFor(grid, 3)],
      [stolen, wordsFor(grid, 7)],
    ] as const)
      await expect(grid.ask(() => grid.at(7).publish(fields, { statement: words }))).rejects.toMatchObject({
        code: 'SIGNATURE_INVALID',
      })
    const [ofMember, all] = [
      [3, 4],
      [3, 4, 7, 8],
    ].map((some) => some.map((index) => grid.ids[index]!).toSorted())
    expect(await publishers(grid, MEMBER)).toEqual(ofMember)
    expect(await publishers(grid, grid.ids[7])).toEqual([grid.ids[7]])
    expect(await publishers(grid, 'j')).toEqual([grid.ids[8]])
    expect(await publishers(grid)).toEqual(all)
    expect(await grid.find(0, `Owner == "${MEMBER}"`)).toEqual(['web', 'web'])
  })

  test('is not kept or believed as a member’s without the member’s words, whoever puts it and whoever says it', async () => {
    const grid = new ApplicationGrid({ count: 4 })
    grid.members.add(MEMBER)
    const nowMs = wallMsOf(grid)
    const liar = grid.ids[3]!
    const claimed = signedBy(liar, liar, nowMs, { member: MEMBER })
    expect(grid.at(1).answer(liar, { type: 'put', records: [claimed] })).toEqual({
      type: 'taken',
      refusals: ['SIGNATURE_INVALID'],
    })
    for (const id of grid.ids.slice(1)) grid.liars.set(id, () => ({ type: 'page', records: [claimed] }))
    expect(await publishers(grid, MEMBER)).toEqual([])
    expect(await publishers(grid)).toEqual([])
  })

  test('changes hands at one node when it is published there for another, and is gone when it is taken back', async () => {
    const grid = new ApplicationGrid({ count: 8 })
    grid.members.add(MEMBER)
    await grid.publish(2)
    await grid.ask(() => grid.at(2).publish(application(), { statement: wordsFor(grid, 2) }))
    expect(await publishers(grid, MEMBER)).toEqual([grid.ids[2]])
    expect(await publishers(grid, grid.ids[2])).toEqual([])
    await grid.ask(() => grid.at(2).takeBack({ ...application(), member: MEMBER }))
    expect(await publishers(grid)).toEqual([])
  })

  test('is the node’s once its member’s certificate has ended, and is still taken back', async () => {
    const grid = new ApplicationGrid({ count: 8 })
    grid.members.add(MEMBER)
    await grid.ask(() => grid.at(2).publish(application(), { statement: wordsFor(grid, 2) }))
    await grid.simulation.run(3 * TTL_MS)
    expect(await publishers(grid, MEMBER)).toEqual([grid.ids[2]])
    grid.members.clear()
    await grid.simulation.run(TTL_MS)
    expect(await publishers(grid, MEMBER)).toEqual([])
    expect(await publishers(grid)).toEqual([grid.ids[2]])
    await grid.ask(() => grid.at(2).takeBack({ ...application(), member: MEMBER }))
    expect(await publishers(grid)).toEqual([])
  })
})

describe('a query', () => {
  test('finds all of many applications, and says whether there are more than were wanted', async () => {
    const grid = new ApplicationGrid({ count: 12 })
    for (let index = 0; index < 120; index++)
      await grid.publish(index % 12, { name: `app${index}`, attributes: { index } })
    expect(await grid.find(5, 'index < 100')).toHaveLength(100)
    const some = await grid.ask(() => grid.at(5).find('true', { count: 10, timeoutMs: 10_000 }))
    expect(some.records).toHaveLength(10)
    expect(some.isComplete).toBe(false)
    const whole = await grid.ask(() => grid.at(5).find('true', { count: 120, timeoutMs: 10_000 }))
    expect(whole).toMatchObject({ isComplete: true })
    expect(whole.records).toHaveLength(120)
  })

  test('that is no expression is EXPRESSION_MALFORMED, and one that was given up CANCELLED', async () => {
    const grid = new ApplicationGrid({ count: 3 })
    const options = { count: 10, timeoutMs: 1_000 }
    await expect(grid.ask(() => grid.at(0).find('version >=', options))).rejects.toMatchObject({
      code: 'EXPRESSION_MALFORMED',
    })
    const given = new AbortController()
    given.abort()
    await expect(grid.ask(() => grid.at(0).find('true', { ...options, signal: given.signal }))).rejects.toMatchObject({
      code: 'CANCELLED',
    })
  })

  test('says that it is not complete where nobody answers for a shard', async () => {
    const grid = new ApplicationGrid({ count: 40 })
    for (const id of grid.ids.slice(1)) grid.simulation.network.cut(id, grid.ids[0]!)
    const found = await grid.ask(() => grid.at(0).find('true', { count: 10, timeoutMs: 3_000 }))
    expect(found).toEqual({ records: [], isComplete: false })
  })
})

describe('a record that is forged, stale, of another VO or under another name', () => {
  test('is not kept by a holder, and counts against who put it', () => {
    const grid = new ApplicationGrid({ count: 2 })
    const [liar, victim] = grid.ids as [PeerId, PeerId]
    const nowMs = wallMsOf(grid)
    const holder = grid.at(1)
    const put = (record: SignedApplicationRecord): string[] => {
      const reply = holder.answer(liar, applicationsWire.parseRequest({ type: 'put', records: [record] }))
      return reply.type === 'taken' ? [...reply.refusals] : []
    }
    expect(put(signedBy(liar, victim, nowMs))).toEqual(['SIGNATURE_INVALID'])
    expect(put(signedBy(victim, victim, nowMs))).toEqual(['SIGNATURE_INVALID'])
    expect(put(signedBy(liar, liar, nowMs, { vo: 'another' }))).toEqual(['DENIED'])
    expect(put(signedBy(liar, liar, 1_000))).toEqual(['RECORD_STALE'])
    expect(put(signedBy(liar, liar, nowMs * 2))).toEqual(['RECORD_STALE'])
    expect(put(signedBy(liar, liar, nowMs, { member: victim }))).toEqual(['SIGNATURE_INVALID'])
    expect(holder.heldCount).toBe(0)
    expect(grid.refused.map(({ peer, reason }) => [peer, reason])).toEqual([
      [liar, 'forged'],
      [liar, 'forged'],
      [liar, 'foreign'],
      [liar, 'stale'],
      [liar, 'stale'],
      [liar, 'forged'],
    ])
  })

  test('is not even a message where it is oversized', () => {
    const grid = new ApplicationGrid({ count: 2 })
    const [liar] = grid.ids as [PeerId]
    const large = signedBy(liar, liar, wallMsOf(grid), { attributes: { text: 'x'.repeat(300) } })
    for (const records of [[large], Array(17).fill(signedBy(liar, liar, wallMsOf(grid)))])
      expect(() => applicationsWire.parseRequest({ type: 'put', records })).toThrow('expected')
  })

  test('is not believed by a reader, whatever all holders say', async () => {
    const grid = new ApplicationGrid({ count: 6 })
    const victim = grid.ids[5]!
    await grid.publish(5)
    const lies = (request: ApplicationRequest, liar: PeerId): SignedApplicationRecord[] => {
      const nowMs = wallMsOf(grid)
      return [
        signedBy(liar, victim, nowMs, { name: 'name' in request ? request.name : 'web', instance: 'forged' }),
        signedBy(liar, liar, nowMs, { name: 'another' }),
        signedBy(liar, liar, 1_000, { instance: 'stale' }),
        signedBy(liar, liar, nowMs, { vo: 'another', instance: 'foreign' }),
      ]
    }
    for (const id of grid.ids.slice(1, 5))
      grid.liars.set(id, (request) => ({ type: 'page', records: lies(request, id) }))
    expect(await grid.resolve(0)).toEqual([victim])
    expect(await grid.find(0, 'Name == "web"')).toEqual(['web'])
    expect(new Set(grid.refused.map(({ reason }) => reason))).toEqual(new Set(['forged', 'stale', 'foreign']))
  })

  test('a holder that never comes to an end is left', async () => {
    const grid = new ApplicationGrid({ count: 4 })
    await grid.publish(3)
    let askedCount = 0
    for (const id of grid.ids.slice(1, 3))
      grid.liars.set(id, () => {
        askedCount++
        return { type: 'page', records: [], next: { shard: 0, identity: 'web' } }
      })
    expect(await grid.find(0, 'true')).toEqual(['web'])
    expect(askedCount).toBeLessThanOrEqual(4)
    expect(await grid.resolve(0)).toEqual([grid.ids[3]])
  })

  test('an older word of a publisher does not count where a newer one is known, whoever still gives it', async () => {
    const grid = new ApplicationGrid({ count: 6 })
    await grid.publish(5, { attributes: { version: 1 } })
    const [old] = await grid.ask(() => grid.at(0).resolve('web', { timeoutMs: 5_000 }))
    await grid.publish(5, { endpoints: ['tcp://127.0.0.1:81'] })
    for (const forgetful of [1, 2, 3, 4]) {
      grid.liars.clear()
      grid.liars.set(grid.ids[forgetful]!, () => ({ type: 'page', records: [old!] }))
      const [found] = await grid.ask(() => grid.at(0).resolve('web', { timeoutMs: 5_000 }))
      expect(found!.record.endpoints).toEqual(['tcp://127.0.0.1:81'])
    }
    // Its publisher knows best, and needs nobody to have heard of it.
    await grid.ask(() => grid.at(5).takeBack(application()))
    for (const id of grid.ids.slice(0, 5)) grid.liars.set(id, () => ({ type: 'page', records: [old!] }))
    expect(await grid.resolve(5)).toEqual([])
    expect(await grid.find(5, 'version == 1')).toEqual([])
  })

  test('holders that keep quiet do not hide a name, as long as one does not', async () => {
    const grid = new ApplicationGrid({ count: 30 })
    await grid.publish(0)
    const holders = grid.ids.filter((id) => grid.nodes.get(id)!.heldCount > 0)
    const asking = grid.ids.findIndex((id, index) => index > 0 && !holders.includes(id))
    for (const honest of holders) {
      grid.liars.clear()
      for (const id of holders) if (id !== honest) grid.liars.set(id, () => ({ type: 'page', records: [] }))
      expect(await grid.resolve(asking)).toEqual([grid.ids[0]])
    }
  })

  test('is not published', async () => {
    const grid = new ApplicationGrid({ count: 2 })
    await expect(grid.publish(0, { endpoints: [] })).rejects.toMatchObject({ code: 'APPLICATION_INVALID' })
  })
})

describe('bounds', () => {
  test('a node that asks without end is told BUSY', () => {
    const grid = new ApplicationGrid({ count: 2 })
    const ask = (): unknown => grid.at(1).answer(grid.ids[0]!, { type: 'read', shards: [0] })
    const outcomes = Array.from({ length: 1_000 }, () => {
      try {
        ask()
        return 'answered'
      } catch (thrown) {
        return (thrown as RoostError).code
      }
    })
    expect(outcomes.at(-1)).toBe('BUSY')
    expect(outcomes.filter((outcome) => outcome === 'answered').length).toBeLessThan(500)
  })

  test('a node publishes so many and no more; what it took back does not count', async () => {
    const grid = new ApplicationGrid({ count: 1 })
    for (let index = 0; index < PUBLICATIONS_COUNT_MAX; index++) {
      await grid.publish(0, { name: `brief${index}`, ttlMs: 3_600_000 })
      await grid.ask(() => grid.at(0).takeBack(application({ name: `brief${index}`, ttlMs: 3_600_000 })))
    }
    // Its own shelf remembers for a while what was taken back, and has no room for more.
    await expect(grid.publish(0, { name: 'one' })).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
    await grid.simulation.run(610_000)
    for (let index = 0; index < PUBLICATIONS_COUNT_MAX - 1; index++) await grid.publish(0, { name: `n${index}` })
    await expect(grid.publish(0, { name: 'more' })).rejects.toMatchObject({ code: 'BUSY' })
    await grid.publish(0, { name: 'n0', endpoints: ['tcp://127.0.0.1:2'] })
    expect(grid.at(0).published()).toHaveLength(PUBLICATIONS_COUNT_MAX)
  })

  test('keys of shards differ, and are the same for everybody', () => {
    const [left, right] = [new SimulatedCrypto('left', 1), new SimulatedCrypto('right', 1)]
    const keys = Array.from({ length: 16 }, (_, shard) => Buffer.from(shardKey(shard, VO, left)).toString('hex'))
    expect(new Set(keys).size).toBe(16)
    expect(Buffer.from(shardKey(3, VO, right)).toString('hex')).toBe(keys[3])
  })
})
