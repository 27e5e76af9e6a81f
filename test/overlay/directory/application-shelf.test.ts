import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import {
  ApplicationShelf,
  applicationsWire,
  recordBytesMax,
  type Plain,
  PAGE_RECORDS_COUNT_MAX,
  SHARDS_COUNT,
  identityOf,
  ownerOf,
  parseExpression,
  shardOf,
  signApplicationRecord,
  type ApplicationRecordFields,
  type ShelfLimits,
  type SignedApplicationRecord,
} from '../../../overlay/index.ts'
import { HandEnv, peerIds } from '../descriptor/hand-env.ts'

const [self, one, two, three] = peerIds(4) as [string, string, string, string]
const vo = 'vo'
const TTL_MS = 60_000

function shelf(limits?: ShelfLimits): { shelf: ApplicationShelf; env: HandEnv<never, never, never> } {
  const env = new HandEnv<never, never, never>(self)
  return { env, shelf: new ApplicationShelf(env, limits) }
}

function signed(
  env: HandEnv<never, never, never>,
  fields: Partial<ApplicationRecordFields> = {},
): SignedApplicationRecord {
  const record = {
    name: 'web',
    instance: 'main',
    endpoints: ['tcp://127.0.0.1:1'],
    attributes: {},
    ttlMs: TTL_MS,
    publisher: one,
    vo,
    sequence: 1,
    atMs: env.wallMs,
    ...fields,
  }
  return signApplicationRecord(record, env.crypto)
}

function pass(env: HandEnv<never, never, never>, ms: number): void {
  env.nowMs += ms
  env.wallMs += ms
}

/** Everything of a shard, page by page. */
function all(on: ApplicationShelf, request: Parameters<ApplicationShelf['page']>[0]): SignedApplicationRecord[] {
  const records: SignedApplicationRecord[] = []
  let after: Parameters<ApplicationShelf['page']>[0]['after']
  do {
    const page = on.page({ ...request, ...(after !== undefined && { after }) })
    expect(page.records.length).toBeLessThanOrEqual(PAGE_RECORDS_COUNT_MAX)
    records.push(...page.records)
    after = page.next
  } while (after !== undefined)
  return records
}

const web = (env: HandEnv<never, never, never>) => ({ shards: [shardOf('web', vo, env.crypto)], name: 'web' })

describe('a shelf', () => {
  test('keeps one name of several publishers side by side', () => {
    const { shelf: kept, env } = shelf()
    for (const publisher of [one, two, three]) kept.put(signed(env, { publisher }))
    kept.put(signed(env, { instance: 'second' }))
    expect(all(kept, web(env))).toHaveLength(4)
  })

  test('keeps the newer word of one publisher, and refuses an older one', () => {
    const { shelf: kept, env } = shelf()
    kept.put(signed(env, { sequence: 5 }))
    expect(() => kept.put(signed(env, { sequence: 4 }))).toThrow('a newer record')
    kept.put(signed(env, { sequence: 6 }))
    expect(all(kept, web(env)).map(({ record }) => record.sequence)).toEqual([6])
  })

  test('tells of a record no longer than its time to live after it came, whatever its date says', () => {
    const { shelf: kept, env } = shelf()
    kept.put(signed(env, { atMs: env.wallMs + 60_000 }))
    pass(env, TTL_MS - 1)
    expect(all(kept, web(env))).toHaveLength(1)
    pass(env, 1)
    expect(all(kept, web(env))).toHaveLength(0)
  })

  test('clears away what is past its time', () => {
    const { shelf: kept, env } = shelf()
    kept.put(signed(env))
    pass(env, TTL_MS)
    kept.page(web(env))
    expect(kept.count).toBe(0)
  })

  test('tells who asks for a name of what was taken back, and nobody who searches', () => {
    const { shelf: kept, env } = shelf()
    kept.put(signed(env, { endpoints: [], sequence: 2 }))
    expect(all(kept, web(env))).toHaveLength(1)
    const { shards } = web(env)
    expect(all(kept, { shards, where: parseExpression('true') })).toHaveLength(0)
  })

  test('a name that begins another is not mistaken for it', () => {
    const { shelf: kept, env } = shelf()
    const names = ['we', 'web', 'web.a', 'web-b', 'web0', 'weba']
    for (const name of names) kept.put(signed(env, { name }))
    for (const name of names) {
      const found = all(kept, { shards: [shardOf(name, vo, env.crypto)], name })
      expect(found.map(({ record }) => record.name)).toEqual([name])
    }
  })

  test('is full at its bound for new records, and not for those that it has', () => {
    const limits = { countMax: 3, perPublisherCountMax: 2, perNameCountMax: 2 }
    const { shelf: kept, env } = shelf(limits)
    kept.put(signed(env, { name: 'a' }))
    kept.put(signed(env, { name: 'b' }))
    expect(() => kept.put(signed(env, { name: 'c' }))).toThrow('no room')
    kept.put(signed(env, { name: 'a', publisher: two }))
    expect(() => kept.put(signed(env, { name: 'd', publisher: three }))).toThrow('no room')
    kept.put(signed(env, { name: 'a', sequence: 2 }))
    pass(env, TTL_MS)
    kept.put(signed(env, { name: 'd', publisher: three }))
    expect(kept.count).toBe(1)
  })

  test('publications of one owner’s name have a bound of their own, which strangers do not use up', () => {
    const { shelf: kept, env } = shelf({ countMax: 10, perPublisherCountMax: 10, perNameCountMax: 2 })
    kept.put(signed(env, { publisher: one, job: 'j' }))
    kept.put(signed(env, { publisher: two, job: 'j' }))
    expect(() => kept.put(signed(env, { publisher: three, job: 'j' }))).toThrow('no room')
    kept.put(signed(env, { publisher: three, job: 'k' }))
    kept.put(signed(env, { publisher: three }))
  })

  test('tells of one owner’s name without those of others, page by page too', () => {
    const { shelf: kept, env } = shelf()
    for (let index = 0; index < PAGE_RECORDS_COUNT_MAX + 10; index++) {
      kept.put(signed(env, { job: 'k', instance: `i${index}` }))
      if (index % 10 === 0) kept.put(signed(env, { job: 'j', instance: `i${index}` }))
    }
    const owners = (owner: string): string[] => all(kept, { ...web(env), owner }).map(({ record }) => ownerOf(record))
    expect(owners('j')).toEqual(Array(8).fill('j'))
    expect(owners('k')).toEqual(Array(PAGE_RECORDS_COUNT_MAX + 10).fill('k'))
    expect(owners('l')).toEqual([])
    expect(all(kept, web(env))).toHaveLength(PAGE_RECORDS_COUNT_MAX + 18)
  })

  test('pages give each record once, in order, and all that an expression is true of', () => {
    const { shelf: kept, env } = shelf()
    const identities = new Set<string>()
    for (let index = 0; index < 300; index++) {
      const made = signed(env, { name: `n${index}`, attributes: { index } })
      kept.put(made)
      if (index >= 100) identities.add(identityOf(made.record))
    }
    const where = parseExpression('index >= 100')
    const shards = Array.from({ length: SHARDS_COUNT }, (_, index) => (index * 5) % SHARDS_COUNT)
    const found = all(kept, { shards, where })
    expect(found).toHaveLength(200)
    expect(new Set(found.map(({ record }) => identityOf(record)))).toEqual(identities)
    expect(all(kept, { shards: [], where })).toEqual([])
  })

  test('a page of the largest records is no longer than a message may be', () => {
    const { shelf: kept, env } = shelf()
    const attributes = Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`a${index}`, '\u6f22'.repeat(250)]))
    const endpoints = Array.from({ length: 8 }, () => `tcp://${'h'.repeat(120)}:1`)
    const statement = {
      statement: { action: 'app.publish', body: { attributes, endpoints }, atMs: 1, nonce: new Uint8Array(16) },
      signer: two,
      certificate: new Uint8Array(4_096),
      signature: new Uint8Array(64),
    }
    for (let index = 0; index < 40; index++) {
      const made = {
        ...signed(env, { name: 'web', instance: `i${index}`, attributes, endpoints, member: two }),
        statement,
      }
      expect(encode(made as unknown as Plain).length).toBeLessThanOrEqual(recordBytesMax(made))
      kept.put(made)
    }
    const { records, next } = kept.page(web(env))
    expect(next).toBeDefined()
    expect(records.length).toBeGreaterThan(10)
    const reply = { type: 'page', records, next } as unknown as Plain
    expect(encode(reply).length).toBeLessThanOrEqual(applicationsWire.messageBytesMax)
    expect(all(kept, web(env))).toHaveLength(40)
  })

  test('law: what is kept is the newest of each identity, in whatever order it came', () => {
    const word = fc.record({
      publisher: fc.constantFrom(one, two),
      name: fc.constantFrom('a', 'b'),
      sequence: fc.nat(4),
    })
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        const { shelf: kept, env } = shelf()
        const newest = new Map<string, number>()
        for (const fields of words) {
          const made = signed(env, fields)
          const identity = identityOf(made.record)
          try {
            kept.put(made)
          } catch {}
          newest.set(identity, Math.max(newest.get(identity) ?? 0, fields.sequence))
        }
        expect(kept.count).toBe(newest.size)
        for (const name of ['a', 'b'])
          for (const { record } of all(kept, { shards: [shardOf(name, vo, env.crypto)], name }))
            expect(record.sequence).toBe(newest.get(identityOf(record)))
      }),
    )
  })
})
