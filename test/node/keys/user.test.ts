import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  loadMemberCertificate,
  membershipsOf,
  openUser,
  removeMemberCertificate,
  signStatement,
  storeMemberCertificate,
} from '../../../node/keys/index.ts'
import { STATEMENT_CONTEXT, statementToSign } from '../../../overlay/index.ts'
import { temporaryDirectory } from '../data/temporary.ts'

const GRID = 'ab'.repeat(32)
const OTHER_GRID = 'cd'.repeat(32)

test('a user has one key, and one certificate for each grid, all for the owner alone', async () => {
  const directory = join(temporaryDirectory(), 'roost')
  const user = await openUser(directory)
  expect((await openUser(directory)).id).toBe(user.id)
  await storeMemberCertificate(user, GRID, Uint8Array.of(1))
  await storeMemberCertificate(user, OTHER_GRID, Uint8Array.of(2))
  expect((await membershipsOf(user)).toSorted()).toEqual([GRID, OTHER_GRID])
  expect(await loadMemberCertificate(user, GRID)).toEqual(Uint8Array.of(1))
  for (const name of ['user.key', `certificates/${GRID}.crt`])
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
  await removeMemberCertificate(user, GRID)
  await removeMemberCertificate(user, GRID)
  expect(await membershipsOf(user)).toEqual([OTHER_GRID])
})

test('a statement is signed for one grid, with a nonce and the time', async () => {
  const user = await openUser(temporaryDirectory())
  await storeMemberCertificate(user, GRID, Uint8Array.of(1))
  const asked = { action: 'job.cancel', body: { job: 'x' } }
  const signed = await signStatement(user, GRID, asked, { wallMs: 7 })
  expect(signed).toMatchObject({ statement: { ...asked, atMs: 7 }, signer: user.id, certificate: Uint8Array.of(1) })
  const holds = (grid: string): boolean =>
    user.crypto.verify(user.id, STATEMENT_CONTEXT, statementToSign(grid, signed.statement), signed.signature)
  expect(holds(GRID)).toBe(true)
  expect(holds(OTHER_GRID)).toBe(false)
  expect((await signStatement(user, GRID, asked)).statement.nonce).not.toEqual(signed.statement.nonce)
})

test('who is no member of a grid signs nothing for it', async () => {
  const user = await openUser(temporaryDirectory())
  await expect(signStatement(user, GRID, { action: 'x', body: 1 })).rejects.toMatchObject({ code: 'NOT_MEMBER' })
})

test('a fingerprint never becomes a path', async () => {
  const user = await openUser(temporaryDirectory())
  await expect(storeMemberCertificate(user, '../../x', Uint8Array.of(1))).rejects.toMatchObject({ code: 'USAGE' })
  expect(existsSync(join(user.directory, '../../x.crt'))).toBe(false)
})

test('signing loads neither libp2p nor the certificate library nor the database', () => {
  const door = join(import.meta.dirname, '../../../node/keys/index.ts')
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ resolve: (specifier, context, next) => (loaded.push(specifier), next(specifier, context)) })
    await import(${JSON.stringify(door)})
    console.log(loaded.filter((name) => /libp2p|peculiar|level|reflect/.test(name)).join())
  `
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  expect(output.trim()).toBe('')
})
