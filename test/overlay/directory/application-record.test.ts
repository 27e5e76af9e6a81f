import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCrypto, generateKey } from '../../../node/keys/index.ts'
import {
  PUBLISH_ACTION,
  RoostError,
  checkApplicationRecord,
  checkPublication,
  identityOf,
  ownerOf,
  publicationBody,
  queriedAttributes,
  signApplicationRecord,
  signStatement,
  signedApplicationRecord,
  type ApplicationRecordFields,
  type MemberStatement,
  type RecordJudge,
} from '../../../overlay/index.ts'

const [publisher, other, member] = [generateKey(), generateKey(), generateKey()]
const [ours, theirs, members] = [publisher, other, member].map(createCrypto) as [
  ReturnType<typeof createCrypto>,
  ReturnType<typeof createCrypto>,
  ReturnType<typeof createCrypto>,
]
const NOW_MS = 1_795_000_000_000
const MINUTE_MS = 60_000
const vo = 'a'.repeat(64)

function record(fields: Partial<ApplicationRecordFields> = {}): ApplicationRecordFields {
  return {
    name: 'web',
    instance: 'main',
    endpoints: ['tcp://127.0.0.1:8080'],
    attributes: { version: 2 },
    ttlMs: MINUTE_MS,
    publisher: publisher.id,
    vo,
    sequence: 1,
    atMs: NOW_MS,
    ...fields,
  }
}

function statementFor(fields: ApplicationRecordFields, action = PUBLISH_ACTION): MemberStatement {
  return signStatement(
    { action, body: publicationBody(fields.publisher, fields), atMs: NOW_MS, nonce: new Uint8Array(16) },
    { fingerprint: vo, signer: member.id, certificate: Uint8Array.of(1) },
    members,
  )
}

function judge(wallMs = NOW_MS): RecordJudge {
  return {
    surroundings: { crypto: theirs, wallMs },
    vo,
    checkMember: ({ signer, statement }) => {
      if (statement.action !== PUBLISH_ACTION) throw new RoostError('DENIED', 'another action')
      return { id: signer }
    },
  }
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    return thrown instanceof RoostError ? thrown.code : String(thrown)
  }
  return 'none'
}

describe('a signed record', () => {
  test('that its publisher signed is believed, after it crossed the wire', () => {
    const signed = signedApplicationRecord(structuredClone(signApplicationRecord(record(), ours)), 'record')
    expect(codeOf(() => checkApplicationRecord(signed, judge()))).toBe('none')
  })

  test('that another node signed, or in which anything was changed, is not believed', () => {
    expect(codeOf(() => checkApplicationRecord(signApplicationRecord(record(), theirs), judge()))).toBe(
      'SIGNATURE_INVALID',
    )
    const signed = signApplicationRecord(record({ job: 'j' }), ours)
    const changes: Partial<ApplicationRecordFields>[] = [
      { name: 'web2' },
      { instance: 'x' },
      { endpoints: ['tcp://127.0.0.1:8081'] },
      { endpoints: [] },
      { attributes: {} },
      { ttlMs: 2 * MINUTE_MS },
      { publisher: other.id },
      { sequence: 2 },
      { atMs: NOW_MS + 1 },
      { job: 'k' },
      { member: member.id },
    ]
    for (const change of changes) {
      const changed = { ...signed, record: { ...signed.record, ...change } }
      expect([change, codeOf(() => checkApplicationRecord(changed, judge()))]).toEqual([change, 'SIGNATURE_INVALID'])
    }
  })

  test('of another VO is not believed, whoever signed it', () => {
    const foreign = signApplicationRecord(record({ vo: 'b'.repeat(64) }), ours)
    expect(codeOf(() => checkApplicationRecord(foreign, judge()))).toBe('DENIED')
  })

  test('is not believed past its time, nor before it, but for what honest clocks differ by', () => {
    const signed = signApplicationRecord(record(), ours)
    const tolerance = 5 * MINUTE_MS
    const at = (wallMs: number): string => codeOf(() => checkApplicationRecord(signed, judge(wallMs)))
    expect(at(NOW_MS + MINUTE_MS + tolerance - 1)).toBe('none')
    expect(at(NOW_MS + MINUTE_MS + tolerance)).toBe('RECORD_STALE')
    expect(at(NOW_MS - tolerance)).toBe('none')
    expect(at(NOW_MS - tolerance - 1)).toBe('RECORD_STALE')
  })

  test('that is anything at all is read or refused, never more', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(codeOf(() => signedApplicationRecord(value, 'record'))).toBe('MESSAGE_MALFORMED')
      }),
    )
  })
})

describe("a member's words", () => {
  const named = record({ member: member.id })

  test('that say what the record says are believed', () => {
    const signed = signApplicationRecord(named, ours, statementFor(named))
    expect(codeOf(() => checkApplicationRecord(signed, judge()))).toBe('none')
  })

  test('still hold when the node has renewed the record', () => {
    const renewed = { ...named, sequence: 7, atMs: NOW_MS + 1_000 }
    const signed = signApplicationRecord(renewed, ours, statementFor(named))
    expect(codeOf(() => checkApplicationRecord(signed, judge()))).toBe('none')
  })

  test('for another node, name, endpoint or attribute do not count', () => {
    const others: Partial<ApplicationRecordFields>[] = [
      { publisher: other.id },
      { name: 'db' },
      { endpoints: ['tcp://127.0.0.1:22'] },
      { attributes: { version: 3 } },
      { ttlMs: 2 * MINUTE_MS },
    ]
    for (const fields of others) {
      const signed = signApplicationRecord(named, ours, statementFor({ ...named, ...fields }))
      expect([fields, codeOf(() => checkApplicationRecord(signed, judge()))]).toEqual([fields, 'SIGNATURE_INVALID'])
    }
  })

  test('that are missing, unnamed, of another member or for another purpose do not count', () => {
    const code = (fields: ApplicationRecordFields, statement?: MemberStatement): string =>
      codeOf(() => checkApplicationRecord(signApplicationRecord(fields, ours, statement), judge()))
    expect(code(named)).toBe('SIGNATURE_INVALID')
    expect(code(record(), statementFor(record()))).toBe('SIGNATURE_INVALID')
    expect(code(record({ member: other.id }), statementFor(record()))).toBe('SIGNATURE_INVALID')
    expect(code(named, statementFor(named, 'job.submit'))).toBe('DENIED')
  })
})

describe('a name', () => {
  test('is the member’s who signed for it, else the job’s, else the node’s', () => {
    expect(ownerOf(record({ job: 'j', member: member.id }))).toBe(member.id)
    expect(ownerOf(record({ job: 'j' }))).toBe('j')
    expect(ownerOf(record())).toBe(publisher.id)
  })

  test('of two owners is two names, also where one node publishes both', () => {
    const identities = [record(), record({ job: 'j' }), record({ member: member.id })].map(identityOf)
    expect(new Set(identities).size).toBe(3)
  })

  test('is taken back by its publisher, without another word of its member', () => {
    const fields = record({ member: member.id, endpoints: [] })
    expect(codeOf(() => checkApplicationRecord(signApplicationRecord(fields, ours), judge()))).toBe('none')
    expect(codeOf(() => checkApplicationRecord(signApplicationRecord(fields, theirs), judge()))).toBe(
      'SIGNATURE_INVALID',
    )
  })
})

describe('what may be published', () => {
  const good = { name: 'web', instance: 'main', endpoints: ['tcp://h:1'], attributes: {}, ttlMs: MINUTE_MS }

  test('is a name, endpoints, attributes and a time to live within their bounds', () => {
    expect(checkPublication(good)).toEqual(good)
    for (const name of ['a', 'render.db', 'x_1-y', '0'.repeat(64)])
      expect(checkPublication({ ...good, name }).name).toBe(name)
    for (const endpoint of ['tcp://127.0.0.1:65535', 'http://[2001:db8::1]:80/a?b=c', 'https://Host.example:443/'])
      expect(checkPublication({ ...good, endpoints: [endpoint] }).endpoints).toEqual([endpoint])
  })

  test('is refused with APPLICATION_INVALID where anything is beyond them', () => {
    const bad: Record<string, unknown>[] = [
      ...['', '.a', 'a-', 'A', 'a/b', 'a b', 'a\n', 'x'.repeat(65), 7].map((name) => ({ name })),
      ...['', 'a/b', '-a', 'x'.repeat(65)].map((instance) => ({ instance })),
      ...['', 'host:80', 'tcp://host', 'tcp://host:0', 'tcp://host:65536', 'tcp://u@host:1', 'tcp://h:1/ö'].map(
        (endpoint) => ({ endpoints: [endpoint] }),
      ),
      { endpoints: [`tcp://${'h'.repeat(128)}:1`] },
      { endpoints: Array(9).fill('tcp://h:1') },
      { attributes: { long: 'x'.repeat(257) } },
      { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, 1])) },
      { attributes: Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`a${index}`, 'x'.repeat(250)])) },
      { attributes: { Cores: 'many' } },
      { ttlMs: 9_999 },
      { ttlMs: 24 * 3_600_000 + 1 },
    ]
    for (const fields of bad)
      expect([fields, codeOf(() => checkPublication({ ...good, ...fields }))]).toEqual([fields, 'APPLICATION_INVALID'])
  })

  test('says who published it whatever its attributes claim', () => {
    const seen = queriedAttributes(record({ attributes: { NAME: 'x', Node: 'y', job: 'z', Member: 'w', rest: 1 } }))
    expect(seen).toEqual({ rest: 1, name: 'web', owner: publisher.id, node: publisher.id })
  })
})
