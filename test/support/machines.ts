import type { ChildProcess } from 'node:child_process'
import { createSurroundings, generateKey, rawPrivateKey } from '../../node/keys/index.ts'
import { createNetwork, type Network } from '../../node/net/index.ts'
import { authorityOf } from './insider.ts'
import { Machine, until } from './machine.ts'

/** A machine with its daemon, in a grid. */
export interface Member {
  readonly machine: Machine
  readonly id: string
  daemon: ChildProcess
}

/** Real daemons on loopback that all know each other; `machines` is where whoever made them finds them to end. The first
 * machine may have a configuration file. */
export async function gridOf(
  count: number,
  machines: Machine[],
  settings: Readonly<Record<string, string>> = {},
  firstConfig = '',
): Promise<Member[]> {
  const members: Member[] = []
  for (let index = 0; index < count; index++) {
    const machine = new Machine({ ROOST_NAME: `n${index + 1}`, ...settings })
    machines.push(machine)
    if (index === 0 && firstConfig !== '') machine.configure(firstConfig)
    const ticket = index === 0 ? undefined : (await members[0]!.machine.json('invite')).ticket
    const daemon = await machine.up(...(ticket === undefined ? [] : ['--join', ticket]))
    members.push({ machine, daemon, id: (await machine.ask('/status')).id })
  }
  for (const { machine } of members)
    await until('all know all', async () => (await machine.ask('/status')).nodes.alive === count)
  return members
}

/** A node that the grid of a machine has admitted, in this process: what a member is who keeps no rules. It knows that machine's daemon. */
export async function networkIn(grid: Member): Promise<Network> {
  const key = generateKey()
  const authority = await authorityOf(grid.machine)
  const certificate = await authority.issue({ role: 'node', publicKey: key.publicKey }, { wallMs: Date.now() })
  const nothing = (): void => {}
  const { addresses, grid: vo } = await grid.machine.ask('/status')
  const network = await createNetwork(
    { privateKey: rawPrivateKey(key), listen: [] },
    {
      surroundings: createSurroundings(key),
      admission: {
        present: () => ({ certificates: [certificate] }),
        check: () => ({ untilMs: Date.now() + 3_600_000 }),
      },
      vo: () => vo.fingerprint,
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    },
  )
  network.know(grid.id, addresses)
  return network
}
