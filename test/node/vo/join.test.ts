import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import { abandonVo, createVo, joinWithTicket, loadVo } from '../../../node/vo/index.ts'
import { ATTEMPTS_PER_PEER_MAX } from '../../../node/vo/attempt-limit.ts'
import { EXPIRED_TICKET_KEPT_MS, TICKET_COUNT_MAX } from '../../../node/vo/ticket-store.ts'
import { loadMemberCertificate } from '../../../node/keys/index.ts'
import { formatTicket, parseTicket, TICKET_MS_DEFAULT, TICKET_MS_MAX } from '../../../overlay/index.ts'
import type { Plain } from '../../../overlay/index.ts'
import { addressesOf, DAY_MS, grid, machine, MINUTE_MS, overTheWire, requestTo } from './grid.ts'

const coded = (code: string, more: object = {}): unknown => expect.objectContaining({ code, ...more })
const nobodyThere = async (): Promise<never> => {
  throw new Error('nothing may be sent')
}

describe('the first machine', () => {
  test('makes the VO, and who starts it is its first member', async () => {
    const { first, vo } = await grid('quiet-heron')
    expect(vo).toMatchObject({ name: 'quiet-heron', isAuthority: true, authorityPeer: first.nodeKey.id })
    expect(vo.member).toEqual({ id: first.user.id, name: 'Ada' })
    const files = readdirSync(first.data.file('vo'))
    expect(files.toSorted()).toEqual(['authority.crt', 'authority.key', 'grid.json', 'node.crt'])
    for (const name of files) expect(statSync(join(first.data.file('vo'), name)).mode & 0o777).toBe(0o600)
  })

  test('has the same VO after a restart', async () => {
    const { first, vo } = await grid()
    const again = await loadVo(await first.restarted())
    expect(again).toMatchObject({ fingerprint: vo.fingerprint, isAuthority: true, member: vo.member })
  })

  test('gives a VO that nobody named a name', async () => {
    const { clock } = await grid()
    expect((await createVo(await machine(clock))).name).toMatch(/^[a-z]+-[a-z]+$/)
  })

  test('makes no second VO, and none with a bad name', async () => {
    const { clock, first } = await grid()
    await expect(createVo(first)).rejects.toThrow(coded('ALREADY_JOINED'))
    await expect(createVo(await machine(clock), { name: 'a b' })).rejects.toThrow(coded('USAGE'))
    await expect(createVo(await machine(clock), { userName: '\u001b' })).rejects.toThrow(coded('USAGE'))
  })

  test('is in none before it made or joined one', async () => {
    const { clock } = await grid()
    expect(await loadVo(await machine(clock))).toBeUndefined()
  })
})

describe('a machine with a ticket', () => {
  test('joins, and is admitted by the others as they are by it', async () => {
    const { first, vo, joined } = await grid()
    const bea = await joined('Bea')
    const carl = await joined('Carl')
    expect(bea.vo).toMatchObject({ fingerprint: vo.fingerprint, name: vo.name, isAuthority: false })
    expect(bea.vo).toMatchObject({ authorityPeer: first.nodeKey.id, authorityAddresses: addressesOf(first) })
    expect(bea.vo.member).toEqual({ id: bea.at.user.id, name: 'Bea' })
    for (const [one, other] of [
      [bea, carl],
      [carl, bea],
      [{ at: first, vo }, bea],
      [bea, { at: first, vo }],
    ] as const) {
      const presented = overTheWire(other.vo.admission.present())
      expect(one.vo.admission.check(other.at.nodeKey.id, presented).untilMs).toBeGreaterThan(one.at.wallMs())
    }
  })

  test('is a member still after a restart, with the authority away', async () => {
    const { joined } = await grid()
    const { at, vo } = await joined()
    const again = await loadVo(await at.restarted())
    expect(again).toMatchObject({ fingerprint: vo.fingerprint, isAuthority: false, member: vo.member })
    expect(again?.admission.present()).toEqual(vo.admission.present())
  })

  test('without a user joins as a node alone', async () => {
    const { clock, vo, ticket } = await grid()
    const { data, nodeKey, wallMs, ...service } = await machine(clock)
    const joinedVo = await joinWithTicket(
      { data, nodeKey, wallMs },
      { ticket: await ticket(), request: requestTo(vo, { data, nodeKey, wallMs, ...service }) },
    )
    expect(joinedVo.member).toBeUndefined()
    expect(vo.admission.check(nodeKey.id, joinedVo.admission.present()).untilMs).toBeGreaterThan(wallMs())
  })

  test('asks at the addresses of the ticket', async () => {
    const { first, clock, vo, ticket } = await grid()
    const at = await machine(clock)
    const asked: unknown[] = []
    await joinWithTicket(at, {
      ticket: await ticket(),
      request: async (addresses, request) => {
        asked.push(addresses)
        return await requestTo(vo, at)(addresses, request)
      },
    })
    expect(asked).toEqual([addressesOf(first)])
  })

  test('that is in a grid already is told which, and nothing is sent', async () => {
    const { ticket, joined } = await grid()
    const other = await grid('other-grid')
    const { at } = await joined()
    const options = { request: nobodyThere }
    await expect(joinWithTicket(at, { ...options, ticket: await ticket() })).rejects.toThrow(/of this ticket already/)
    const refused = joinWithTicket(at, { ...options, ticket: await other.ticket() })
    await expect(refused).rejects.toThrow(coded('ALREADY_JOINED'))
    await expect(refused).rejects.toThrow(/grid quiet-heron, and the ticket is for the grid other-grid/)
  })

  test('whose certificate ran out may join again', async () => {
    const { clock, vo, ticket, joined } = await grid()
    const { at } = await joined()
    clock.wallMs += 31 * DAY_MS
    const again = await joinWithTicket(at, { ticket: await ticket(), request: requestTo(vo, at) })
    expect(again.expiresAtMs).toBeGreaterThan(clock.wallMs)
  })
})

describe('a ticket', () => {
  test('opens once', async () => {
    const { clock, vo, ticket } = await grid()
    const text = await ticket()
    const [at, late] = [await machine(clock), await machine(clock)]
    await joinWithTicket(at, { ticket: text, request: requestTo(vo, at) })
    await expect(joinWithTicket(late, { ticket: text, request: requestTo(vo, late) })).rejects.toThrow(
      coded('TICKET_USED'),
    )
    expect(await loadVo(late)).toBeUndefined()
  })

  test('opens for one of many that come at the same moment', async () => {
    const { clock, vo, ticket } = await grid()
    const text = await ticket()
    const machines = await Promise.all(Array.from({ length: 8 }, () => machine(clock)))
    const outcomes = await Promise.allSettled(
      machines.map((at) => joinWithTicket(at, { ticket: text, request: requestTo(vo, at) })),
    )
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'TICKET_USED' })
  })

  test('is used also after a restart of the authority', async () => {
    const { clock, first, vo, ticket } = await grid()
    const [used, open] = [await ticket(), await ticket()]
    const at = await machine(clock)
    await joinWithTicket(at, { ticket: used, request: requestTo(vo, at) })
    const again = (await loadVo(await first.restarted()))!
    const late = await machine(clock)
    const request = requestTo(again, late)
    await expect(joinWithTicket(late, { ticket: used, request })).rejects.toThrow(coded('TICKET_USED'))
    expect((await joinWithTicket(late, { ticket: open, request })).fingerprint).toBe(vo.fingerprint)
  })

  test('whose answer was lost opens again for the same machine and user, and for nobody else', async () => {
    const { clock, vo, ticket } = await grid()
    const text = await ticket()
    const at = await machine(clock)
    const lost = async (where: unknown, request: Plain): Promise<never> => {
      await requestTo(vo, at)(where, request)
      throw new Error('the connection broke')
    }
    await expect(joinWithTicket(at, { ticket: text, request: lost })).rejects.toThrow('the connection broke')
    expect(await loadVo(at)).toBeUndefined()
    const otherUser = { ...at, user: (await machine(clock)).user }
    await expect(joinWithTicket(otherUser, { ticket: text, request: requestTo(vo, at) })).rejects.toThrow(
      coded('TICKET_USED'),
    )
    const request = requestTo(vo, at)
    expect((await joinWithTicket(at, { ticket: text, request })).fingerprint).toBe(vo.fingerprint)
  })

  test('expires after a day unless said otherwise, and says so without asking anybody', async () => {
    const { clock, ticket, vo, first } = await grid()
    const [short, usual] = [await ticket(10 * MINUTE_MS), await ticket()]
    const { expiresAtMs } = await vo.issueTicket({ addresses: addressesOf(first) })
    expect(expiresAtMs).toBe(clock.wallMs + TICKET_MS_DEFAULT)
    const at = await machine(clock)
    clock.wallMs += 10 * MINUTE_MS
    await expect(joinWithTicket(at, { ticket: short, request: nobodyThere })).rejects.toThrow(coded('TICKET_EXPIRED'))
    await expect(joinWithTicket(at, { ticket: usual, request: nobodyThere })).rejects.toThrow('nothing may be sent')
  })

  test('is expired by the clock of the authority, whatever the other says, for a week; then it is unknown', async () => {
    const { clock, ticket, vo } = await grid()
    const texts = [await ticket(MINUTE_MS), await ticket(MINUTE_MS)]
    const at = await machine(clock)
    const slow = { ...at, wallMs: () => clock.wallMs - 10 * DAY_MS }
    const options = { request: requestTo(vo, at) }
    clock.wallMs += 2 * MINUTE_MS
    await expect(joinWithTicket(slow, { ...options, ticket: texts[0]! })).rejects.toThrow(coded('TICKET_EXPIRED'))
    clock.wallMs += EXPIRED_TICKET_KEPT_MS
    await ticket()
    await expect(joinWithTicket(slow, { ...options, ticket: texts[1]! })).rejects.toThrow(coded('TICKET_UNKNOWN'))
  })

  test('of another grid is told as such, by the grid that was asked', async () => {
    const here = await grid('here')
    const there = await grid('there')
    const at = await machine(here.clock)
    await expect(joinWithTicket(at, { ticket: await there.ticket(), request: requestTo(here.vo, at) })).rejects.toThrow(
      coded('TICKET_UNKNOWN', { message: 'this ticket is of another grid; here is here' }),
    )
  })

  test('that was never issued is unknown', async () => {
    const { clock, ticket, vo } = await grid()
    const forged = formatTicket({ ...parseTicket(await ticket()), secret: new Uint8Array(16) })
    const at = await machine(clock)
    await expect(joinWithTicket(at, { ticket: forged, request: requestTo(vo, at) })).rejects.toThrow(
      coded('TICKET_UNKNOWN'),
    )
  })

  test('that is malformed is not sent anywhere', async () => {
    const { clock, ticket } = await grid()
    const at = await machine(clock)
    const cut = (await ticket()).slice(0, -5)
    await expect(joinWithTicket(at, { ticket: cut, request: nobodyThere })).rejects.toThrow(coded('TICKET_MALFORMED'))
  })

  test('is issued by the authority alone, for a time within bounds', async () => {
    const { first, vo, joined } = await grid()
    const bea = await joined()
    const addresses = addressesOf(first)
    await expect(bea.vo.issueTicket({ addresses })).rejects.toThrow(coded('AUTHORITY_UNREACHABLE'))
    for (const ttlMs of [0, -1, Number.NaN, TICKET_MS_MAX + 1])
      await expect(vo.issueTicket({ addresses, ttlMs })).rejects.toThrow(coded('USAGE'))
    await expect(vo.issueTicket({ addresses: [] })).rejects.toThrow(coded('USAGE'))
  })

  test('is kept as a hash: its secret is nowhere on the disk', async () => {
    const { first, ticket } = await grid()
    const secret = Buffer.from(parseTicket(await ticket()).secret)
    await first.data.close()
    const database = first.data.file('db')
    for (const name of readdirSync(database)) expect(readFileSync(join(database, name)).includes(secret)).toBe(false)
  })

  test('is not issued beyond a bound, until others have long expired', async () => {
    const { clock, first, ticket } = await grid()
    const expiresAtMs = clock.wallMs + MINUTE_MS
    const others = Array.from({ length: TICKET_COUNT_MAX - 1 }, (_, index) => `${index}`)
    await first.data.store('tickets').batch(others.map((key) => ({ type: 'put', key, value: encode({ expiresAtMs }) })))
    await ticket()
    await expect(ticket()).rejects.toThrow(coded('BUSY'))
    clock.wallMs = expiresAtMs + EXPIRED_TICKET_KEPT_MS + 1
    await ticket()
  })
})

describe('the authority', () => {
  test('answers a few attempts of one peer in a minute, and others still', async () => {
    const { clock, vo, ticket } = await grid()
    const [guesser, honest] = [await machine(clock), await machine(clock)]
    for (let attempt = 0; attempt < ATTEMPTS_PER_PEER_MAX; attempt++)
      await expect(vo.admission.join(guesser.nodeKey.id, { type: 'what' })).rejects.toThrow(coded('MESSAGE_MALFORMED'))
    await expect(vo.admission.join(guesser.nodeKey.id, { type: 'what' })).rejects.toThrow(coded('BUSY'))
    await joinWithTicket(honest, { ticket: await ticket(), request: requestTo(vo, honest) })
    clock.wallMs += MINUTE_MS
    await joinWithTicket(guesser, { ticket: await ticket(), request: requestTo(vo, guesser) })
  })

  test('certifies no user whose key nobody showed to hold, and keeps the ticket open', async () => {
    const { clock, first, vo, ticket } = await grid()
    const text = await ticket()
    const at = await machine(clock)
    const victim = { ...at.user, id: first.user.id }
    await expect(joinWithTicket({ ...at, user: victim }, { ticket: text, request: requestTo(vo, at) })).rejects.toThrow(
      coded('SIGNATURE_INVALID'),
    )
    await joinWithTicket(at, { ticket: text, request: requestTo(vo, at) })
  })

  test('takes no proof that was made for another node', async () => {
    const { clock, vo, ticket } = await grid()
    const [at, thief] = [await machine(clock), await machine(clock)]
    await expect(joinWithTicket(at, { ticket: await ticket(), request: requestTo(vo, thief) })).rejects.toThrow(
      coded('SIGNATURE_INVALID'),
    )
  })

  test('elsewhere is named by a node that is asked in its place', async () => {
    const { first, joined } = await grid()
    const bea = await joined()
    await expect(bea.vo.admission.join(first.nodeKey.id, {})).rejects.toThrow(
      coded('AUTHORITY_UNREACHABLE', { data: { authorityPeer: first.nodeKey.id } }),
    )
  })
})

describe('who answers a ticket', () => {
  test('with another authority is not believed, and nothing is stored', async () => {
    const real = await grid('grid')
    const fake = await grid('grid')
    const { clock } = real
    const at = await machine(clock)
    const asIfItsOwn = async (where: unknown, request: Plain): Promise<unknown> => {
      const { secret } = parseTicket(await fake.ticket())
      const { user: _, ...rest } = request as Record<string, Plain>
      return await requestTo(fake.vo, at)(where, { ...rest, secret, fingerprint: fake.vo.fingerprint })
    }
    await expect(joinWithTicket(at, { ticket: await real.ticket(), request: asIfItsOwn })).rejects.toThrow(
      coded('FINGERPRINT_MISMATCH'),
    )
    expect(await loadVo(at)).toBeUndefined()
  })

  test('with certificates for other keys is not believed', async () => {
    const { clock, vo, ticket } = await grid()
    const [at, other] = [await machine(clock), await machine(clock)]
    const forOther = async (where: unknown, request: Plain): Promise<unknown> => {
      const { user: _, ...rest } = request as Record<string, Plain>
      return await requestTo(vo, other)(where, rest)
    }
    await expect(joinWithTicket(at, { ticket: await ticket(), request: forOther })).rejects.toThrow(
      coded('CREDENTIAL_INVALID'),
    )
    expect(await loadVo(at)).toBeUndefined()
    expect(await loadMemberCertificate(at.user, vo.fingerprint)).toBeUndefined()
  })

  test.each([undefined, {}, 'ok', { authority: new Uint8Array(5), node: new Uint8Array(5) }])(
    'with nonsense (%j) is refused with a typed error',
    async (answer) => {
      const { clock, ticket } = await grid()
      const at = await machine(clock)
      await expect(joinWithTicket(at, { ticket: await ticket(), request: async () => answer })).rejects.toMatchObject({
        code: expect.stringMatching(/MESSAGE_MALFORMED|CREDENTIAL_INVALID/),
      })
    },
  )
})

describe('leaving', () => {
  test('removes the credentials of node and user', async () => {
    const { vo, joined } = await grid()
    const { at, vo: ours } = await joined()
    await ours.leave()
    expect(await loadVo(at)).toBeUndefined()
    expect(await loadMemberCertificate(at.user, vo.fingerprint)).toBeUndefined()
  })

  test('puts the key of the authority aside, and the machine may make or join another grid', async () => {
    const { first, vo } = await grid()
    const other = await grid('other')
    await vo.leave()
    const [left] = readdirSync(first.data.file('left'))
    expect(readdirSync(first.data.file(`left/${left}`))).toContain('authority.key')
    const ours = await joinWithTicket(first, { ticket: await other.ticket(), request: requestTo(other.vo, first) })
    expect(ours.isAuthority).toBe(false)
    expect(ours.fingerprint).toBe(other.vo.fingerprint)
  })

  test('is possible for credentials that cannot be read', async () => {
    const { joined } = await grid()
    const { at } = await joined()
    writeFileSync(at.data.file('vo/grid.json'), '{')
    await expect(loadVo(at)).rejects.toThrow(coded('CREDENTIAL_INVALID'))
    await abandonVo(at.data)
    await abandonVo(at.data)
    expect(await loadVo(at)).toBeUndefined()
  })
})
