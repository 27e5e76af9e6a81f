import { join } from 'node:path'
import { openUser, storeMemberCertificate, type User } from '../../node/keys/index.ts'
import { authorityOf } from './insider.ts'
import type { Machine } from './machine.ts'

/** So many members of a machine's grid, certified by its authority without having joined. */
export async function makeUsers(machine: Machine, fingerprint: string, count: number): Promise<User[]> {
  const authority = await authorityOf(machine)
  const users: User[] = []
  for (let index = 0; index < count; index++) {
    const user = await openUser(join(machine.home, `user-${index}`))
    const holder = { role: 'member', publicKey: user.key.publicKey, name: `user ${index}` } as const
    await storeMemberCertificate(user, fingerprint, await authority.issue(holder, { wallMs: Date.now() }))
    users.push(user)
  }
  return users
}
