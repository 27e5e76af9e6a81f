import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadMemberCertificate } from '../../../node/keys/index.ts'
import { createVo, loadVo } from '../../../node/vo/index.ts'
import { CERTIFICATE_BYTES_MAX, CLOCK_TOLERANCE_MS, RoostError } from '../../../overlay/index.ts'
import { DAY_MS, grid, machine, overTheWire, requestTo } from './grid.ts'
import type { TestGrid } from './grid.ts'
import { certificateOf, goodParts, someKey } from './odd-certificates.ts'
import type { Parts } from './odd-certificates.ts'

const coded = (code: string): unknown => expect.objectContaining({ code })

async function presenting(at: TestGrid, change: Partial<Parts> = {}): Promise<() => { untilMs: number }> {
  const holder = await machine(at.clock)
  const certificate = await certificateOf({ ...goodParts(at.first, holder, at.clock.wallMs), ...change })
  return () => at.vo.admission.check(holder.nodeKey.id, { certificates: [certificate] })
}

describe('a peer is admitted', () => {
  test('until its certificate ends, however often it asks', async () => {
    const at = await grid()
    const untilMs = at.clock.wallMs + 10 * DAY_MS
    const check = await presenting(at, { untilMs })
    expect(check()).toEqual({ untilMs: untilMs + CLOCK_TOLERANCE_MS })
    expect(check()).toEqual({ untilMs: untilMs + CLOCK_TOLERANCE_MS })
    at.clock.wallMs = untilMs + CLOCK_TOLERANCE_MS
    check()
    at.clock.wallMs++
    expect(check).toThrow(coded('CREDENTIAL_EXPIRED'))
  })

  test('a little before its certificate begins, for clocks differ', async () => {
    const at = await grid()
    const fromMs = at.clock.wallMs + CLOCK_TOLERANCE_MS
    const check = await presenting(at, { fromMs })
    check()
    at.clock.wallMs--
    expect(check).toThrow(coded('CREDENTIAL_INVALID'))
  })

  test('no longer than the authority itself is good for', async () => {
    const at = await grid()
    const check = await presenting(at, { untilMs: at.clock.wallMs + 20_000 * DAY_MS })
    const { untilMs } = check()
    expect(untilMs).toBeLessThan(at.clock.wallMs + 3_651 * DAY_MS)
  })
})

describe('a peer is refused', () => {
  test('with a certificate copied from another', async () => {
    const { vo, joined } = await grid()
    const [bea, carl] = [await joined(), await joined()]
    expect(() => vo.admission.check(carl.at.nodeKey.id, bea.vo.admission.present())).toThrow(/belongs to/)
    vo.admission.check(bea.at.nodeKey.id, bea.vo.admission.present())
    expect(() => vo.admission.check(carl.at.nodeKey.id, bea.vo.admission.present())).toThrow(
      coded('CREDENTIAL_INVALID'),
    )
  })

  test('of another grid, also where that has the same name', async () => {
    const [here, there] = [await grid('twin'), await grid('twin')]
    const stranger = await there.joined()
    expect(() => here.vo.admission.check(stranger.at.nodeKey.id, stranger.vo.admission.present())).toThrow(
      coded('CREDENTIAL_INVALID'),
    )
  })

  test('that made an authority of its own', async () => {
    const { clock, vo } = await grid('twin')
    const outsider = await machine(clock)
    const own = await createVo(outsider, { name: 'twin' })
    expect(() => vo.admission.check(outsider.nodeKey.id, own.admission.present())).toThrow(coded('CREDENTIAL_INVALID'))
  })

  test('with the certificate of a member in place of a node', async () => {
    const { vo, first } = await grid()
    const member = (await loadMemberCertificate(first.user, vo.fingerprint))!
    expect(() => vo.admission.check(first.user.id, { certificates: [member] })).toThrow(/of a member, not of a node/)
  })

  test('with the certificate of the authority itself', async () => {
    const { vo, first } = await grid()
    const presented = { certificates: [vo.authorityCertificate] }
    expect(() => vo.admission.check(first.nodeKey.id, presented)).toThrow(coded('CREDENTIAL_INVALID'))
  })

  test.each<[string, Partial<Parts>]>([
    ['signed by another key', { signingKey: someKey() }],
    ['that may itself issue', { isAuthority: true }],
    ['that names nobody', { uris: [] }],
    ['that names somebody else', { uris: ['roost:node:12D3KooWJrcD8moMtS7L4Kdhwbv6HWUTNSDrMmVAyNYmydTnj84z'] }],
    ['of an unknown role', { uris: ['roost:king:x'] }],
    ['that ends before it begins', { fromMs: Date.UTC(2030, 1), untilMs: Date.UTC(2029, 1) }],
  ])('with a certificate %s', async (_, change) => {
    expect(await presenting(await grid(), change)).toThrow(coded('CREDENTIAL_INVALID'))
  })

  test('with a certificate that names it twice, or in two roles', async () => {
    const at = await grid()
    const holder = await machine(at.clock)
    const good = goodParts(at.first, holder, at.clock.wallMs)
    const uri = good.uris[0]!
    for (const uris of [[uri, uri], [uri, uri.replace('node', 'member')], [`${uri}, URI:${uri}`], [`${uri} `]]) {
      const certificate = await certificateOf({ ...good, uris })
      expect(() => at.vo.admission.check(holder.nodeKey.id, { certificates: [certificate] })).toThrow(
        coded('CREDENTIAL_INVALID'),
      )
    }
  })

  test('with no certificate, several, too large a one, or PEM', async () => {
    const { vo, joined } = await grid()
    const bea = await joined()
    const [good] = (bea.vo.admission.present() as { certificates: Uint8Array[] }).certificates
    const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(good!).toString('base64')}\n-----END CERTIFICATE-----\n`
    const check = (certificates: unknown): unknown => vo.admission.check(bea.at.nodeKey.id, { certificates })
    check([good])
    expect(() => check([])).toThrow(coded('CREDENTIAL_INVALID'))
    expect(() => check([good, good])).toThrow(coded('CREDENTIAL_INVALID'))
    expect(() => check([good, good, good, good])).toThrow(coded('MESSAGE_MALFORMED'))
    expect(() => check([Uint8Array.from(Buffer.from(pem))])).toThrow(coded('CREDENTIAL_INVALID'))
    expect(() => check([Uint8Array.from([...good!, 0])])).toThrow(coded('CREDENTIAL_INVALID'))
    expect(() => check([new Uint8Array(CERTIFICATE_BYTES_MAX + 1)])).toThrow(coded('MESSAGE_MALFORMED'))
  })

  test('for any one bit changed in its certificate', async () => {
    const { vo, joined } = await grid()
    const bea = await joined()
    const [good] = (bea.vo.admission.present() as { certificates: Uint8Array[] }).certificates
    for (let bit = 0; bit < good!.length * 8; bit++) {
      const changed = good!.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => vo.admission.check(bea.at.nodeKey.id, { certificates: [changed] })).toThrow(
        coded('CREDENTIAL_INVALID'),
      )
    }
  })

  test('for whatever else it presents', async () => {
    const { vo, first } = await grid()
    const bytes = fc.uint8Array({ maxLength: 500 })
    const nearly = fc.record({ certificates: fc.array(bytes, { maxLength: 4 }) })
    fc.assert(
      fc.property(fc.oneof(fc.anything(), nearly), (presented) => {
        try {
          vo.admission.check(first.nodeKey.id, presented)
        } catch (error) {
          expect(error).toBeInstanceOf(RoostError)
          return
        }
        throw new Error('admitted')
      }),
    )
  })
})

describe('renewing', () => {
  const nobody = async (): Promise<never> => {
    throw new Error('nobody needs to be asked')
  }

  test('is due after two thirds of the time, and gives the same node and user more of it', async () => {
    const { clock, vo, joined } = await grid()
    const { at, vo: ours } = await joined('Bea')
    const { expiresAtMs } = ours
    clock.wallMs += 19 * DAY_MS
    expect(await ours.renew(nobody)).toBe(false)
    clock.wallMs += 2 * DAY_MS
    await vo.renew(nobody)
    expect(await ours.renew(requestTo(vo, at))).toBe(true)
    expect(ours.expiresAtMs).toBe(expiresAtMs + 21 * DAY_MS)
    expect(await ours.renew(nobody)).toBe(false)
    clock.wallMs += 20 * DAY_MS - 1000
    const again = (await loadVo(await at.restarted()))!
    expect(again.member).toEqual({ id: at.user.id, name: 'Bea' })
    expect(again.expiresAtMs).toBe(ours.expiresAtMs)
    vo.admission.check(at.nodeKey.id, overTheWire(again.admission.present()))
  })

  test('comes too late once the certificate has expired', async () => {
    const { clock, vo, joined } = await grid()
    const { at, vo: ours } = await joined()
    clock.wallMs += 30 * DAY_MS + CLOCK_TOLERANCE_MS + 1
    await expect(ours.renew(requestTo(vo, at))).rejects.toThrow(coded('CREDENTIAL_EXPIRED'))
  })

  test('is for the holder alone', async () => {
    const { clock, vo, joined } = await grid()
    const [bea, carl] = [await joined(), await joined()]
    clock.wallMs += 25 * DAY_MS
    await expect(bea.vo.renew(requestTo(vo, carl.at))).rejects.toThrow(coded('CREDENTIAL_INVALID'))
    await expect(bea.vo.renew(requestTo((await grid()).vo, bea.at))).rejects.toThrow(coded('CREDENTIAL_INVALID'))
    expect(await bea.vo.renew(requestTo(vo, bea.at))).toBe(true)
  })

  test('needs nobody at the authority, which also mends what expired while it was down', async () => {
    const { clock, first, vo } = await grid()
    clock.wallMs += 21 * DAY_MS
    expect(await vo.renew(nobody)).toBe(true)
    clock.wallMs += 100 * DAY_MS
    const again = (await loadVo(await first.restarted()))!
    expect(again.expiresAtMs).toBeGreaterThan(clock.wallMs)
    expect(again.member).toEqual({ id: first.user.id, name: 'Ada' })
    vo.admission.check(first.nodeKey.id, again.admission.present())
  })
})
