import { createHash } from 'node:crypto'
import { encode } from '../../node/codec/index.ts'
import { openUser, signStatement, type User } from '../../node/keys/index.ts'
import type { SignedStatement } from '../../overlay/contract/index.ts'
import type { Plain } from '../../overlay/index.ts'
import type { Machine } from './machine.ts'

/** The user of a machine of a test, to sign in its name what its command line never would. */
export async function userOf(machine: Machine): Promise<User> {
  return openUser(machine.userDir)
}

export async function signedBy(
  machine: Machine,
  fingerprint: string,
  statement: { readonly action: string; readonly body: Plain },
  options: { readonly wallMs?: number; readonly nonce?: Uint8Array } = {},
): Promise<SignedStatement> {
  return signStatement(await userOf(machine), fingerprint, statement, options)
}

export function encoded(statement: SignedStatement): Uint8Array<ArrayBuffer> {
  return encode(statement as unknown as Plain) as Uint8Array<ArrayBuffer>
}

/** A submission as the surface takes it: the bytes of the form, and their content type. */
export async function submissionForm(
  statement: SignedStatement | Uint8Array<ArrayBuffer>,
  files: readonly Uint8Array<ArrayBuffer>[] = [],
): Promise<{ body: Uint8Array; headers: Record<string, string> }> {
  const form = new FormData()
  form.set('statement', new Blob([statement instanceof Uint8Array ? statement : encoded(statement)]))
  for (const bytes of files) form.set(createHash('sha256').update(bytes).digest('hex'), new Blob([bytes]))
  const response = new Response(form)
  const headers = { 'content-type': response.headers.get('content-type')! }
  return { body: new Uint8Array(await response.arrayBuffer()), headers }
}
