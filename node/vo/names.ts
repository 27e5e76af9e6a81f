import { randomInt } from 'node:crypto'
import { userInfo } from 'node:os'
import { isMemberName } from '../../overlay/index.ts'

const ADJECTIVES =
  'amber brave calm clear early gentle lively mellow nimble quiet rapid silver steady sunny tidy wild'.split(' ')
const BIRDS =
  'avocet bunting curlew dipper finch heron jay kestrel lark martin osprey plover robin starling swift wren'.split(' ')

/** A name for a grid that nobody named; a grid's identity is its fingerprint, so two of one name do no harm. */
export function friendlyVoName(): string {
  return `${ADJECTIVES[randomInt(ADJECTIVES.length)]}-${BIRDS[randomInt(BIRDS.length)]}`
}

/** What the system calls who runs this; `user` where that is no name for a member, or where it has none. */
export function systemUserName(): string {
  try {
    const { username } = userInfo()
    return isMemberName(username) ? username : 'user'
  } catch {
    return 'user'
  }
}
