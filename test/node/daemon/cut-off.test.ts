import type { Connection, Libp2p } from '@libp2p/interface'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import { DaemonClient } from '../../support/daemon.ts'
import { makeInsider } from '../../support/insider.ts'
import { Machine, until } from '../../support/machine.ts'
import { frame } from '../net/outsider.ts'

/** A grid of two daemons, and a member beside them that sends garbage to one. */

const machines = [new Machine(), new Machine()] as const
const [first, second] = machines.map((machine) => new DaemonClient(machine)) as [DaemonClient, DaemonClient]
let insider: Libp2p
let connect: () => Promise<Connection>

beforeAll(async () => {
  await machines[0].up('--name', 'one')
  const { ticket } = await machines[0].json('invite')
  await machines[1].up('--name', 'two', '--join', ticket)
  ;({ insider, connect } = await makeInsider(machines[0], (await first.status()).addresses[0]))
})
afterAll(async () => {
  await insider?.stop()
  await Promise.all(machines.map((machine) => machine.end()))
})

test('it is cut off by the one, said so by doctor, and the grid goes on', async () => {
  await until('they know each other', async () => (await first.names('alive')).length === 2)
  const connection = await connect()
  const stream = await connection.newStream('/roost/grid/1')
  for (let count = 0; count < 100 && stream.status === 'open'; count++)
    stream.send(frame(encode(['/roost/membership/1', 0, 0, Uint8Array.of(0xff, count)])))
  await until('it is cut off', () => Promise.resolve(connection.status !== 'open'))
  await expect(connect()).rejects.toThrow('is cut off for')

  expect(await first.metric('roost_net_cut_off_peers_count')).toBe(1)
  expect(await first.metric('roost_net_refused_membership_unreadable_messages')).toBeGreaterThan(10)
  const { checks } = (await first.ask('/doctor')).body
  const told = checks.filter(({ name }: { name: string }) => name === `peer ${insider.peerId.toString()}`)
  expect(told).toMatchObject([{ state: 'warning', detail: expect.stringContaining('membership unreadable') }])

  expect(await second.metric('roost_net_cut_off_peers_count')).toBe(0)
  for (const machine of machines) {
    const { nodes } = await machine.json('find', 'Cores >= 1', '-n', '2')
    expect(nodes.map(({ name }: { name: string }) => name).sort()).toEqual(['one', 'two'])
  }
  expect(machines.map(({ uncaughtCount }) => uncaughtCount)).toEqual([0, 0])
})
