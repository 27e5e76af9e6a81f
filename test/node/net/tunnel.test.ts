import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { joinStreams } from '../../../node/net/index.ts'
import { RoostError } from '../../../overlay/index.ts'
import { TestGrid, until, wordAdmission, type TestNode } from './grid.ts'

const grid = new TestGrid()
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await grid.stop()
})

/** More than all that may wait on the way, several times. */
const WHOLE_BYTES = 2 ** 25

const never = new AbortController().signal

/** Two members, and tunnels of the first that end at `connect` of the second. */
async function pair(end: (peer: string, request: unknown) => Promise<Duplex>): Promise<[TestNode, TestNode]> {
  const [near, far] = (await grid.addConnected(2)) as [TestNode, TestNode]
  far.network.serveTunnels(end)
  return [near, far]
}

/** A program of this machine, and a connection to it each time. */
async function program(onSocket: (socket: Socket) => void): Promise<() => Promise<Socket>> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
}

async function textOf(stream: Duplex): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

describe('a tunnel', () => {
  test('carries bytes both ways, and each end of writing by itself', async () => {
    const dial = await program(async (socket) => {
      const heard = await textOf(socket)
      // The other side has ended; ours has not.
      socket.end(`you said ${heard}`)
    })
    const [near, far] = await pair(dial)
    const tunnel = await near.network.openTunnel(far.network.self, { name: 'x' }, never)
    tunnel.end('hello')
    expect(await textOf(tunnel)).toBe('you said hello')
  })

  test('what comes with the answer, and ends with it, arrives', async () => {
    const dial = await program((socket) => socket.end('all'))
    const [near, far] = await pair(dial)
    for (let count = 0; count < 30; count++) {
      const [client, outside] = await socketPair()
      joinStreams(outside, await near.network.openTunnel(far.network.self, null, never))
      expect(await textOf(client)).toBe('all')
      outside.destroy()
    }
  })

  test('says who asks, and for what', async () => {
    const asked: unknown[] = []
    const [near, far] = await pair(async (peer, request) => {
      asked.push(peer, request)
      throw new RoostError('DENIED', 'not you', { hint: 'ask nicely' })
    })
    await expect(near.network.openTunnel(far.network.self, { name: 'web', n: 1 }, never)).rejects.toMatchObject({
      code: 'DENIED',
      message: 'not you',
      hint: 'ask nicely',
    })
    expect(asked).toEqual([near.network.self, { name: 'web', n: 1 }])
  })

  test('slows the writer down to the reader at the far end, and nothing piles up', async () => {
    const gate = new PassThrough({ highWaterMark: 1 })
    const [near, far] = await pair(async () => Duplex.from({ readable: new PassThrough(), writable: gate }))
    const tunnel = await near.network.openTunnel(far.network.self, null, never)
    const chunk = new Uint8Array(65_536)
    let sentBytes = 0
    let isFull = false
    const write = (): void => {
      while (sentBytes < WHOLE_BYTES) {
        sentBytes += chunk.length
        if (!tunnel.write(chunk)) {
          isFull = true
          tunnel.once('drain', () => {
            isFull = false
            write()
          })
          return
        }
      }
    }
    write()
    // Nobody reads: the writer comes to a halt after what both ends and the window hold.
    let before = -1
    await until('the writer stands still', async () => {
      const isStill = isFull && before === sentBytes
      before = sentBytes
      await new Promise((resolve) => setTimeout(resolve, 100))
      return isStill
    })
    expect(sentBytes).toBeLessThan(8 * 2 ** 20)
    gate.resume()
    await until('the writer went on', () => sentBytes === WHOLE_BYTES)
    tunnel.destroy()
  })

  test('that one side breaks off breaks at the other, and does not just end', async () => {
    let accepted: Socket | undefined
    const dial = await program((socket) => (accepted = socket))
    const [near, far] = await pair(dial)
    const [client, outside] = await socketPair()
    joinStreams(outside, await near.network.openTunnel(far.network.self, null, never))
    client.write('half of it')
    await until('accepted', () => accepted !== undefined)
    const broken = once(client, 'error')
    accepted!.resetAndDestroy()
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' })
  })

  test('ends with the node at its other end, which is no end of what it carried', async () => {
    const dial = await program((socket) => socket.write('begun'))
    const [near, far] = await pair(dial)
    const [client, outside] = await socketPair()
    joinStreams(outside, await near.network.openTunnel(far.network.self, null, never))
    await once(client, 'data')
    const broken = once(client, 'error')
    await far.network.stop()
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' })
  })

  test('what was written before the end arrives, however slowly it is read', async () => {
    const far = new PassThrough({ highWaterMark: 1 })
    const [near, other] = await pair(async () => Duplex.from({ readable: new PassThrough(), writable: far }))
    const tunnel = await near.network.openTunnel(other.network.self, null, never)
    const bytes = 3 * 2 ** 20
    tunnel.end(new Uint8Array(bytes))
    // Longer than any stream of ours lingers after its end.
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    let receivedBytes = 0
    for await (const chunk of far) receivedBytes += (chunk as Uint8Array).length
    expect(receivedBytes).toBe(bytes)
  }, 30_000)

  test('is given up while it is opened, and by a peer that says nothing', async () => {
    const [near, far] = await pair(() => new Promise(() => {}))
    const giving = new AbortController()
    const opening = near.network.openTunnel(far.network.self, null, giving.signal)
    setTimeout(() => giving.abort(), 50)
    await expect(opening).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
  })

  test('does not open for a peer that is not admitted', async () => {
    const [, far] = await pair(async () => new PassThrough())
    const outsider = await grid.add({ admission: wordAdmission('stranger') })
    await expect(outsider.network.openTunnel(far.network.self, null, never)).rejects.toBeInstanceOf(RoostError)
    expect(far.network.metrics()['tunnels_opened'] ?? 0).toBe(0)
  })

  test('to a node that serves none yet is BUSY', async () => {
    const [near, far] = (await grid.addConnected(2)) as [TestNode, TestNode]
    await expect(near.network.openTunnel(far.network.self, null, never)).rejects.toMatchObject({ code: 'BUSY' })
  })
})

/** The two ends of a connection over loopback. */
async function socketPair(): Promise<[Socket, Socket]> {
  let accepted: Socket | undefined
  const dial = await program((socket) => (accepted = socket))
  const client = await dial()
  await until('accepted', () => accepted !== undefined)
  return [client, accepted!]
}
