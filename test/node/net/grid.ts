import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNetwork } from '../../../node/net/index.ts'
import type { Admission, Network, NetworkDependencies, NetworkOptions } from '../../../node/net/index.ts'
import { createSurroundings, generateKey, rawPrivateKey } from '../../../node/keys/index.ts'
import type { Key } from '../../../node/keys/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import type { Log } from '../../../overlay/contract/index.ts'

/** Real nodes on loopback, in this process. */

/** A log that keeps warnings and errors for a test to look at. */
export class MemoryLog implements Log {
  readonly lines: { level: string; fields: Readonly<Record<string, unknown>>; message: string }[] = []
  debug(): void {}
  info(): void {}
  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.lines.push({ level: 'warn', fields, message })
  }
  error(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.lines.push({ level: 'error', fields, message })
  }
}

/** Whoever shows the word is a member, until then. */
export function wordAdmission(word: unknown, options: { untilMs?: () => number } = {}): Admission {
  return {
    present: () => (word === undefined ? undefined : { word: word as string }),
    check: (_peer, presented) => {
      if (presented === null || typeof presented !== 'object' || (presented as { word?: unknown }).word !== 'friend')
        throw new RoostError('CREDENTIAL_INVALID', 'not the word')
      return { untilMs: options.untilMs?.() ?? Date.now() + 3_600_000 }
    },
  }
}

export interface TestNode {
  readonly network: Network
  readonly key: Key
  readonly log: MemoryLog
}

export class TestGrid {
  readonly nodes: TestNode[] = []

  async add(options: Partial<NetworkOptions> & Partial<NetworkDependencies> & { key?: Key } = {}): Promise<TestNode> {
    const key = options.key ?? generateKey()
    const log = new MemoryLog()
    const network = await createNetwork(
      {
        privateKey: rawPrivateKey(key),
        listen: options.listen ?? ['/ip4/127.0.0.1/tcp/0'],
        ...(options.store !== undefined && { store: options.store }),
        ...(options.relay !== undefined && { relay: options.relay }),
      },
      {
        admission: options.admission ?? wordAdmission('friend'),
        surroundings: options.surroundings ?? createSurroundings(key),
        vo: () => 'f'.repeat(64),
        log,
      },
    )
    const node = { network, key, log }
    for (const other of this.nodes) introduce(node.network, other.network)
    this.nodes.push(node)
    return node
  }

  /** So many members, all connected with the first. */
  async addConnected(count: number): Promise<TestNode[]> {
    const added: TestNode[] = []
    for (let index = 0; index < count; index++) added.push(await this.add())
    for (const node of added.slice(1)) await node.network.connect(added[0]!.network.self)
    return added
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map(({ network }) => network.stop()))
  }
}

export function introduce(left: Network, right: Network): void {
  left.know(right.self, right.addresses())
  right.know(left.self, left.addresses())
}

const UNTIL_MS = 20_000

/** Waits until it holds; fails where that takes too long. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + UNTIL_MS
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain: ${what}`)
    await sleep(10)
  }
}

export function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64')
}
