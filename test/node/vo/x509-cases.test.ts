import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CertificateChecker, readAuthority } from '../../../node/vo/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import { grid } from './grid.ts'

/** Certificates of the world, good and odd, none of them from a grid of ours: each is refused, none does more than that. */
const CASES = join(process.env['ROOST_CASES'] ?? join(import.meta.dirname, '../../../../shared/cases'), 'x509')
const FILE_COUNT_MIN = 6

function pemsIn(text: string): string[] {
  const pems = text.replaceAll('\\n', '\n').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  return [...new Set(pems)]
}

function bytesOf(pem: string): Uint8Array {
  return Uint8Array.from(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'))
}

/** The code that it is refused with. */
function refusalOf(check: () => unknown): string {
  try {
    check()
  } catch (error) {
    if (error instanceof RoostError) return error.code
    throw error
  }
  return 'accepted'
}

describe.skipIf(!existsSync(CASES))(`certificates of others (${CASES}, skipped where it is missing)`, () => {
  const certificates = existsSync(CASES)
    ? readdirSync(CASES)
        .filter((name) => /\.(pem|json)$/.test(name) && !name.includes('schema'))
        .flatMap((name) => pemsIn(readFileSync(join(CASES, name), 'utf8')))
    : []

  test('are there to be tried', () => {
    expect(certificates.length).toBeGreaterThan(FILE_COUNT_MIN)
  })

  test('are no credentials of a grid, in DER or as the text they came in', async () => {
    const at = await grid()
    const { id } = at.first.nodeKey
    for (const pem of certificates)
      for (const bytes of [bytesOf(pem), Uint8Array.from(Buffer.from(pem))])
        expect(refusalOf(() => at.vo.admission.check(id, { certificates: [bytes] }))).toMatch(
          /^(CREDENTIAL_INVALID|MESSAGE_MALFORMED)$/,
        )
  })

  test('make no authority of a grid, and their kin no holders under it', () => {
    for (const pem of certificates) {
      const bytes = bytesOf(pem)
      expect(refusalOf(() => readAuthority(bytes, Date.UTC(2026, 10)))).toBe('CREDENTIAL_INVALID')
    }
  })

  test('under whichever of their own roots, still are none', () => {
    const roots = certificates.map(bytesOf).flatMap((bytes) => {
      try {
        const x509 = new X509Certificate(bytes)
        const { publicKey } = x509
        if (!x509.ca || !x509.checkIssued(x509)) return []
        return [{ id: '', fingerprint: '', name: 'root', certificate: bytes, publicKey, fromMs: 0, untilMs: 2 ** 45 }]
      } catch {
        return []
      }
    })
    expect(roots.length).toBeGreaterThan(FILE_COUNT_MIN)
    for (const root of roots) {
      const checker = new CertificateChecker(root)
      for (const pem of certificates)
        expect(refusalOf(() => checker.check(bytesOf(pem), { role: 'node', id: '', wallMs: Date.UTC(2026, 10) }))).toBe(
          'CREDENTIAL_INVALID',
        )
    }
  })
})
