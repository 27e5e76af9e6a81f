import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { signStatement } from '../../../node/keys/index.ts'
import type { SignedStatement } from '../../../overlay/contract/index.ts'
import { RoostError, STATEMENT_AGE_MS_MAX } from '../../../overlay/index.ts'
import { loadVo } from '../../../node/vo/index.ts'
import { DAY_MS, grid, overTheWire } from './grid.ts'
import type { TestGrid, TestMachine } from './grid.ts'

const coded = (code: string): unknown => expect.objectContaining({ code })
const ASKED = { action: 'job.submit', body: { run: 'true', nodes: 4 } }

async function said(at: TestGrid, by: TestMachine, asked = ASKED): Promise<SignedStatement> {
  const signed = await signStatement(by.user, at.vo.fingerprint, asked, { wallMs: at.clock.wallMs })
  return overTheWire(signed) as unknown as SignedStatement
}

test('what a member signed is taken by every node of the grid, once by each', async () => {
  const at = await grid()
  const bea = await at.joined('Bea')
  const signed = await said(at, bea.at)
  for (const vo of [at.vo, bea.vo]) {
    expect(vo.trust.vo).toBe(at.vo.fingerprint)
    expect(vo.trust.check(signed, 'job.submit', { fresh: true })).toEqual({ id: bea.at.user.id, name: 'Bea' })
    expect(() => vo.trust.check(signed, 'job.submit', { fresh: true })).toThrow(coded('STATEMENT_STALE'))
    expect(vo.trust.check(signed, 'job.submit', { fresh: false })).toEqual({ id: bea.at.user.id, name: 'Bea' })
  }
})

test('a statement is fresh for minutes, and holds as long as its certificate', async () => {
  const at = await grid()
  const signed = await said(at, at.first)
  at.clock.wallMs += STATEMENT_AGE_MS_MAX + 1
  expect(() => at.vo.trust.check(signed, 'job.submit', { fresh: true })).toThrow(coded('STATEMENT_STALE'))
  at.clock.wallMs += 29 * DAY_MS
  at.vo.trust.check(signed, 'job.submit', { fresh: false })
  at.clock.wallMs += DAY_MS
  expect(() => at.vo.trust.check(signed, 'job.submit', { fresh: false })).toThrow(coded('CREDENTIAL_EXPIRED'))
})

test('a statement that a node took is not taken again after its restart', async () => {
  const at = await grid()
  const signed = await said(at, at.first)
  at.vo.trust.check(signed, 'job.submit', { fresh: true })
  at.clock.wallMs++
  const again = (await loadVo(await at.first.restarted()))!
  expect(() => again.trust.check(signed, 'job.submit', { fresh: true })).toThrow(coded('STATEMENT_STALE'))
  again.trust.check(await said(at, at.first), 'job.submit', { fresh: true })
})

describe('a statement is refused', () => {
  test('for another action than was signed', async () => {
    const at = await grid()
    const signed = await said(at, at.first)
    expect(() => at.vo.trust.check(signed, 'job.cancel', { fresh: true })).toThrow(coded('DENIED'))
    at.vo.trust.check(signed, 'job.submit', { fresh: true })
  })

  test('in another grid, also where the user is a member of both', async () => {
    const [here, there] = [await grid('here'), await grid('there')]
    const signed = await said(here, here.first)
    expect(() => there.vo.trust.check(signed, 'job.submit', { fresh: false })).toThrow(coded('CREDENTIAL_INVALID'))
    const certificate = (await said(there, there.first)).certificate
    const moved = { ...signed, certificate, signer: there.first.user.id }
    expect(() => there.vo.trust.check(moved, 'job.submit', { fresh: false })).toThrow(coded('SIGNATURE_INVALID'))
  })

  test('with the certificate of another member, or of a node', async () => {
    const at = await grid()
    const bea = await at.joined()
    const [ours, theirs] = [await said(at, at.first), await said(at, bea.at)]
    const borrowed = { ...theirs, certificate: ours.certificate }
    expect(() => at.vo.trust.check(borrowed, 'job.submit', { fresh: false })).toThrow(coded('CREDENTIAL_INVALID'))
    const claimed = { ...borrowed, signer: ours.signer }
    expect(() => at.vo.trust.check(claimed, 'job.submit', { fresh: false })).toThrow(coded('SIGNATURE_INVALID'))
    const [node] = (bea.vo.admission.present() as { certificates: Uint8Array[] }).certificates
    const asNode = { ...theirs, signer: bea.at.nodeKey.id, certificate: node! }
    expect(() => at.vo.trust.check(asNode, 'job.submit', { fresh: false })).toThrow(coded('CREDENTIAL_INVALID'))
  })

  test('when anything in it was changed', async () => {
    const at = await grid()
    const signed = await said(at, at.first)
    const { statement } = signed
    for (const change of [
      { body: { ...ASKED.body, nodes: 5 } },
      { body: undefined },
      { atMs: statement.atMs + 1 },
      { nonce: statement.nonce.map((byte) => byte ^ 1) },
      { action: 'job.cancel' },
    ]) {
      const changed = { ...signed, statement: { ...statement, ...change } }
      expect(() => at.vo.trust.check(changed, 'job.submit', { fresh: true })).toThrow(coded('SIGNATURE_INVALID'))
    }
  })

  test('of any odd form, with a typed error', async () => {
    const at = await grid()
    const signed = await said(at, at.first)
    const changes = fc.record(
      { statement: fc.anything(), signer: fc.anything(), certificate: fc.uint8Array(), signature: fc.uint8Array() },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(changes, (change) => {
        if (Object.keys(change).length === 0) return
        const odd = { ...signed, ...change } as SignedStatement
        expect(() => at.vo.trust.check(odd, 'job.submit', { fresh: true })).toThrow(RoostError)
      }),
    )
  })
})
