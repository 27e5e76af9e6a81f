import type { GroupAsker } from '../../overlay/contract/index.ts'
import type { Crypto, PeerId } from '../../overlay/index.ts'
import type { BoardCommand, BoardReply } from '../protocol/index.ts'

/** What replica groups of boards are called. */
export const BOARDS_KIND = 'jobs'

export type GroupOfBoard = GroupAsker<BoardCommand, BoardReply, Record<string, never>>

/** The name of a home's board among groups: hexadecimal digits of the home's hash. */
export function boardNameOf(home: PeerId, crypto: Pick<Crypto, 'hash'>): string {
  const digits = Array.from(crypto.hash(['board', home]), (byte) => byte.toString(16).padStart(2, '0'))
  return digits.join('').slice(0, NAME_DIGITS)
}

const NAME_DIGITS = 20
