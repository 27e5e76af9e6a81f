import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDataDirectory } from '../../../node/data/index.ts'
import { loadOrCreateKey, openUser } from '../../../node/keys/index.ts'
import type { Key, User } from '../../../node/keys/index.ts'
import { createVo, joinWithTicket } from '../../../node/vo/index.ts'
import type { Vo, VoDependencies } from '../../../node/vo/index.ts'
import { decode, encode } from '../../../node/codec/index.ts'
import type { Plain } from '../../../overlay/index.ts'
import { temporaryDirectory } from '../data/temporary.ts'

export const MINUTE_MS = 60_000
export const DAY_MS = 24 * 60 * MINUTE_MS

/** The time of a test's machines; it moves when the test moves it. */
export class Clock {
  wallMs = Date.UTC(2026, 10, 21, 12)
}

/** One machine: its data directory, node key, user and clock. */
export interface TestMachine extends Required<VoDependencies> {
  readonly user: User
  readonly nodeKey: Key
  /** Frees the data directory and opens it again, as a restart does. */
  restarted(): Promise<TestMachine>
}

export async function machine(clock: Clock, path = temporaryDirectory()): Promise<TestMachine> {
  const data = await openDataDirectory(join(path, 'data'))
  onTestFinished(() => data.close())
  return {
    data,
    nodeKey: await loadOrCreateKey(data.file('node.key')),
    user: await openUser(join(path, 'config')),
    wallMs: () => clock.wallMs,
    nowMs: () => clock.wallMs,
    restarted: async () => {
      await data.close()
      return await machine(clock, path)
    },
  }
}

export function addressesOf(at: TestMachine): string[] {
  return [`/ip4/127.0.0.1/tcp/4001/p2p/${at.nodeKey.id}`]
}

/** What a value looks like after it has crossed the network. */
export function overTheWire(value: unknown): Plain {
  return decode(encode(value as Plain), { bytesMax: 100_000 }) as Plain
}

/** The way from a machine to a VO's join protocol, through the codec. */
export function requestTo(vo: Vo, from: TestMachine): (where: unknown, request: Plain) => Promise<unknown> {
  return async (_, request) => overTheWire(await vo.admission.join(from.nodeKey.id, overTheWire(request)))
}

export interface TestGrid {
  readonly clock: Clock
  /** The authority's machine and VO. */
  readonly first: TestMachine
  readonly vo: Vo
  ticket(ttlMs?: number): Promise<string>
  /** A new machine that has joined. */
  joined(name?: string): Promise<{ at: TestMachine; vo: Vo }>
}

export async function grid(name = 'quiet-heron', clock = new Clock()): Promise<TestGrid> {
  const first = await machine(clock)
  const vo = await createVo(first, { name, userName: 'Ada' })
  const ticket = async (ttlMs?: number): Promise<string> =>
    (await vo.issueTicket({ addresses: addressesOf(first), ...(ttlMs !== undefined && { ttlMs }) })).ticket
  return {
    clock,
    first,
    vo,
    ticket,
    joined: async (userName = 'Bea') => {
      const at = await machine(clock)
      return { at, vo: await joinWithTicket(at, { ticket: await ticket(), userName, request: requestTo(vo, at) }) }
    },
  }
}
