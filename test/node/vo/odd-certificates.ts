import 'reflect-metadata'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as x509 from '@peculiar/x509'
import { importPublicKey } from '../../../node/keys/index.ts'
import { DAY_MS } from './grid.ts'
import type { TestMachine } from './grid.ts'

/** What a certificate of ours has; a test changes one thing. */
export interface Parts {
  readonly issuerName: string
  readonly signingKey: KeyObject
  readonly subject: string
  readonly publicKey: Uint8Array
  readonly uris: readonly string[]
  readonly isAuthority: boolean
  readonly fromMs: number
  readonly untilMs: number
}

/** The authority's own key, as who broke into its machine would have it: what it signs must still be refused where it is odd. */
export function authorityKeyOf(first: TestMachine): KeyObject {
  return createPrivateKey(readFileSync(first.data.file('vo/authority.key')))
}

/** A good certificate of `holder` as a node, for changing. */
export function goodParts(first: TestMachine, holder: TestMachine, nowMs: number): Parts {
  return {
    issuerName: 'quiet-heron',
    signingKey: authorityKeyOf(first),
    subject: holder.nodeKey.id,
    publicKey: holder.nodeKey.publicKey,
    uris: [`roost:node:${holder.nodeKey.id}`],
    isAuthority: false,
    fromMs: nowMs,
    untilMs: nowMs + 10 * DAY_MS,
  }
}

export async function certificateOf(parts: Parts): Promise<Uint8Array> {
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '01',
    subject: [{ CN: [parts.subject] }],
    issuer: [{ CN: [parts.issuerName] }],
    notBefore: new Date(parts.fromMs),
    notAfter: new Date(parts.untilMs),
    signingAlgorithm: 'Ed25519',
    signingKey: parts.signingKey.toCryptoKey('Ed25519', false, ['sign']),
    publicKey: importPublicKey(parts.publicKey).toCryptoKey('Ed25519', true, ['verify']),
    extensions: [
      new x509.BasicConstraintsExtension(parts.isAuthority, undefined, true),
      ...(parts.uris.length === 0
        ? []
        : [new x509.SubjectAlternativeNameExtension(parts.uris.map((value) => ({ type: 'url' as const, value })))]),
    ],
  })
  return new Uint8Array(certificate.rawData)
}

export function someKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey
}
