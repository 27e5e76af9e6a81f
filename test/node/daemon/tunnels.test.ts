import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gridOf, networkIn, type Member } from '../../support/machines.ts'
import { Machine, until } from '../../support/machine.ts'
import { askRaw, socketOf } from '../../support/raw-http.ts'

/** Tunnels between real daemons, to programs of this process. */

const machines: Machine[] = []
const servers: Server[] = []
let grid: Member[]
beforeAll(async () => {
  grid = await gridOf(3, machines)
}, 120_000)
afterAll(async () => {
  expect(machines.map(({ uncaughtCount }) => uncaughtCount)).toEqual(machines.map(() => 0))
  for (const server of servers) server.close()
  await Promise.all(machines.map((machine) => machine.end()))
})

/** A program that listens on a port of this machine. */
async function program(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function publish(member: Member, name: string, ports: readonly number[]): Promise<void> {
  const body = JSON.stringify({ name, endpoints: ports.map((port) => `tcp://127.0.0.1:${port}`) })
  const headers = { 'content-type': 'application/json' }
  const answer = await askRaw(socketOf(member.machine.dataDir), '/applications', { method: 'POST', headers, body })
  expect(answer.body).toMatchObject({ name })
}

interface OpenTunnel {
  readonly port: number
  readonly lines: any[]
  close(): void
}

/** As `roost app connect` does, without a process for it. */
async function open(member: Member, name: string, options: { owner?: string } = {}): Promise<OpenTunnel> {
  const lines: any[] = []
  const outgoing = request({
    ...socketOf(member.machine.dataDir),
    path: `/applications/${name}/tunnel`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent: false,
  })
  outgoing.on('error', () => {})
  outgoing.end(JSON.stringify(options))
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  incoming.on('error', () => {})
  const reader = createInterface({ input: incoming })
  reader.on('line', (line) => lines.push(JSON.parse(line)))
  // It passes on that the daemon went away, or this test.
  reader.on('error', () => {})
  await until('it listens', () => lines.length > 0)
  return { port: lines[0].port, lines, close: () => void outgoing.destroy() }
}

function dial(port: number): Socket {
  return connect({ port, host: '127.0.0.1', allowHalfOpen: true })
}

/** All that a program says to nobody who asks nothing. */
async function heard(port: number): Promise<string> {
  const socket = dial(port)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

describe('a tunnel', () => {
  test('of the command line leads to an application on another machine, until it is interrupted', async () => {
    const [first, second] = grid as [Member, Member]
    await publish(second, 'echo', [await program((socket) => socket.pipe(socket))])
    let kill = (): void => {}
    let port = 0
    const running = first.machine.runWith(
      {
        onSpawn: (child) => {
          kill = () => void child.kill('SIGINT')
          child.stdout!.on('data', (text: string) => (port ||= Number(/127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? 0)))
        },
      },
      'app',
      'connect',
      'echo',
    )
    await until('it listens', () => port > 0)
    const socket = dial(port)
    socket.end('hello')
    expect(String((await once(socket, 'data'))[0])).toBe('hello')
    kill()
    expect(await running).toMatchObject({ status: 130, stderr: expect.stringContaining(`goes to ${second.id}`) })
    await until('the port is closed', async () => (await once(dial(port), 'error').catch(() => [])).length > 0)
  })

  test('carries much both ways at once, and not a byte is other than it was', async () => {
    const [first, second] = grid as [Member, Member]
    await publish(second, 'bulk', [await program((socket) => socket.pipe(socket))])
    const tunnel = await open(first, 'bulk')
    const chunks = Array.from({ length: 8 }, () => randomBytes(2 ** 20))
    const transfer = async (): Promise<void> => {
      const socket = dial(tunnel.port)
      const [sent, received] = [createHash('sha256'), createHash('sha256')]
      const reading = (async () => {
        for await (const chunk of socket) received.update(chunk as Uint8Array)
      })()
      for (const chunk of chunks) {
        sent.update(chunk)
        if (!socket.write(chunk)) await once(socket, 'drain')
      }
      socket.end()
      await reading
      expect(received.digest('hex')).toBe(sent.digest('hex'))
    }
    await Promise.all([transfer(), transfer(), transfer()])
    tunnel.close()
  })

  test('that is idle and half closed still says what comes later', async () => {
    const [first, second] = grid as [Member, Member]
    const port = await program((socket) => {
      socket.resume()
      socket.on('end', () => setTimeout(() => socket.end('late'), 500))
    })
    await publish(second, 'late', [port])
    const tunnel = await open(first, 'late')
    const socket = dial(tunnel.port)
    socket.end()
    expect(String((await once(socket, 'data'))[0])).toBe('late')
    tunnel.close()
  })

  test('to an application on the same machine is as good', async () => {
    const [first] = grid as [Member]
    await publish(first, 'here', [await program((socket) => socket.end('here'))])
    const tunnel = await open(first, 'here')
    expect(await heard(tunnel.port)).toBe('here')
    tunnel.close()
  })

  test('takes the next endpoint where one cannot be reached, and says so where none can', async () => {
    const [first, second, third] = grid as [Member, Member, Member]
    const gone = await program(() => {})
    servers.pop()!.close()
    await publish(second, 'some', [gone, await program((socket) => socket.end('second'))])
    await publish(third, 'some', [gone])
    const tunnel = await open(first, 'some', { owner: 'any' })
    for (let count = 0; count < 5; count++) expect(await heard(tunnel.port)).toBe('second')
    tunnel.close()
    await publish(second, 'none', [gone])
    const none = await open(first, 'none')
    await expect(heard(none.port)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await until('it says why', () =>
      none.lines.some(({ type, code }) => type === 'failed' && code === 'ENDPOINT_UNREACHABLE'),
    )
    none.close()
  })

  test('sends new connections elsewhere when an endpoint has died with its machine, and breaks those that it had', async () => {
    const [first, second, third] = grid as [Member, Member, Member]
    const waiting = new Set<Socket>()
    const says = (name: string): Promise<number> =>
      program((socket) => {
        socket.write(name)
        waiting.add(socket)
      })
    await publish(second, 'either', [await says('two')])
    await publish(third, 'either', [await says('three')])
    const tunnel = await open(first, 'either', { owner: 'any' })
    const greeted = async (): Promise<{ socket: Socket; by: string }> => {
      const socket = dial(tunnel.port)
      socket.on('error', () => {})
      return { socket, by: String((await once(socket, 'data'))[0]) }
    }
    let doomed = await greeted()
    for (let count = 0; count < 50 && doomed.by !== 'three'; count++) {
      doomed.socket.destroy()
      doomed = await greeted()
    }
    expect(doomed.by).toBe('three')
    await third.machine.kill(third.daemon)
    await until('it is broken', () => doomed.socket.destroyed)
    for (let count = 0; count < 5; count++) {
      const { socket, by } = await greeted()
      expect(by).toBe('two')
      socket.destroy()
    }
    tunnel.close()
    for (const socket of waiting) socket.destroy()
    third.daemon = await third.machine.up()
  })
})

describe('a tunnel is no way to anything else:', () => {
  test('a name leads to its owner’s endpoints, and not to a stranger’s who publishes such a name', async () => {
    const [first, second, third] = grid as [Member, Member, Member]
    await publish(second, 'till', [await program((socket) => socket.end('mine'))])
    const unsaid = await open(first, 'till')
    const said = await open(first, 'till', { owner: second.id })
    await publish(third, 'till', [await program((socket) => socket.end('stranger'))])
    const strangers = await open(first, 'till', { owner: third.id })
    await until('the stranger is known', async () => (await heard(strangers.port)) === 'stranger')
    for (let count = 0; count < 5; count++)
      for (const { port } of [unsaid, said]) expect(await heard(port)).toBe('mine')
    const refused = await askRaw(socketOf(first.machine.dataDir), '/applications/till/tunnel', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(refused.body.error).toMatchObject({ code: 'ID_AMBIGUOUS', hint: expect.stringContaining('any/till') })
    for (const tunnel of [unsaid, said, strangers]) tunnel.close()
    const member = await networkIn(first)
    const request = { name: 'till', instance: 'main', owner: second.id, endpoint: 0 }
    await expect(member.openTunnel(first.id, request, new AbortController().signal)).rejects.toMatchObject({
      code: 'APPLICATION_NOT_FOUND',
    })
    await member.stop()
  })

  test('what is not published, was taken back, or is on another machine is not reached', async () => {
    const [first] = grid as [Member]
    let connectionCount = 0
    const port = await program((socket) => {
      connectionCount++
      socket.end('secret')
    })
    const member = await networkIn(first)
    const never = new AbortController().signal
    const code = (request: any): Promise<string> =>
      member.openTunnel(first.id, request, never).then(
        () => 'open',
        (thrown) => thrown.code,
      )
    try {
      for (const request of [null, 7, {}, { port }, { name: 'x', instance: 'main', endpoint: 99 }, { name: ['x'] }])
        expect([request, await code(request)]).toEqual([request, 'MESSAGE_MALFORMED'])
      const asked = { name: 'vault', instance: 'main', endpoint: 0 }
      expect(await code(asked)).toBe('APPLICATION_NOT_FOUND')
      await publish(first, 'vault', [port])
      expect(await code({ ...asked, endpoint: 1 })).toBe('APPLICATION_NOT_FOUND')
      expect(await code({ ...asked, instance: 'other' })).toBe('APPLICATION_NOT_FOUND')
      expect(connectionCount).toBe(0)
      expect(await code(asked)).toBe('open')
      await askRaw(socketOf(first.machine.dataDir), '/applications/vault', { method: 'DELETE' })
      expect(await code(asked)).toBe('APPLICATION_NOT_FOUND')
      const elsewhere = JSON.stringify({ name: 'vault', endpoints: ['tcp://192.0.2.1:22'] })
      const headers = { 'content-type': 'application/json' }
      await askRaw(socketOf(first.machine.dataDir), '/applications', { method: 'POST', headers, body: elsewhere })
      expect(await code(asked)).toBe('DENIED')
      expect(connectionCount).toBe(1)
    } finally {
      await member.stop()
    }
  })

  test('a node of another grid does not come as far', async () => {
    const [first] = grid as [Member]
    const port = await program((socket) => socket.end('secret'))
    await publish(first, 'private', [port])
    const stranger = (await gridOf(1, machines))[0]!
    const outsider = await networkIn(stranger)
    const { addresses } = await first.machine.ask('/status')
    outsider.know(first.id, addresses)
    const request = { name: 'private', instance: 'main', endpoint: 0 }
    await expect(outsider.openTunnel(first.id, request, new AbortController().signal)).rejects.toMatchObject({
      code: 'CREDENTIAL_INVALID',
    })
    await outsider.stop()
  })

  test('a name that nobody publishes, and a port that is taken, are said at once', async () => {
    const [first] = grid as [Member]
    expect(await first.machine.run('app', 'connect', 'nothing')).toMatchObject({ status: 3 })
    const taken = await program(() => {})
    await publish(first, 'thing', [taken])
    expect(await first.machine.run('app', 'connect', 'thing', String(taken))).toMatchObject({
      status: 7,
      stderr: expect.stringContaining('PORT_TAKEN'),
    })
  })
})
