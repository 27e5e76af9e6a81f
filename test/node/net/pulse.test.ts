import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { Connection, Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Counters } from '../../../node/net/counters.ts'
import { Pulse } from '../../../node/net/pulse.ts'
import { makeOutsider } from './outsider.ts'

/** Two nodes, and a cable between them that can be cut so that neither notices. */

const counters = new Counters()
const pulse = new Pulse(counters)
const sockets: Socket[] = []
let server: Server
let [one, other]: readonly (Libp2p | undefined)[] = []

beforeAll(async () => {
  ;[one, other] = [await makeOutsider(), await makeOutsider()]
  const port = Number(/\/tcp\/(\d+)/.exec(other.getMultiaddrs()[0]!.toString())![1])
  server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  await Promise.all([one?.stop(), other?.stop()])
  for (const socket of sockets) socket.destroy()
  server.close()
})

async function dial(): Promise<Connection> {
  const { port } = server.address() as AddressInfo
  return await one!.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${other!.peerId.toString()}`), { force: true })
}

test('a connection that answers stays, one that carries nothing any more is ended in time', async () => {
  const connection = await dial()
  await pulse.feel([connection], 10_000)
  expect(connection.status).toBe('open')
  for (const socket of sockets) socket.unpipe().pause()
  const sinceMs = performance.now()
  await Promise.all([pulse.feel([connection], 10_000), pulse.feel([connection], 200)])
  expect(connection.status).not.toBe('open')
  expect(performance.now() - sinceMs).toBeLessThan(9_000)
  expect(counters.get('gate_silent_connections')).toBe(1)
})
