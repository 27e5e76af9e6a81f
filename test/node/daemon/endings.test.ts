import { createServer, type Server } from 'node:net'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DaemonClient } from '../../support/daemon.ts'
import { Machine, until } from '../../support/machine.ts'

/** How real daemons end, stand still and come back. */

function machineOf(settings: Readonly<Record<string, string>> = {}): Machine {
  const machine = new Machine(settings)
  onTestFinished(() => machine.end())
  return machine
}

/** Longer than an orderly end takes on a busy machine, and less than the daemon gives itself. */
const END_MS_MAX = 10_000

describe('told to end', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('by %s it ends in order, with 0', async (signal) => {
    const machine = machineOf()
    const daemon = await machine.up()
    const startedMs = performance.now()
    await machine.kill(daemon, signal)
    expect(daemon.exitCode).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(END_MS_MAX)
    expect(existsSync(join(machine.dataDir, 'daemon.pid'))).toBe(false)
  })

  test('while it starts, at whatever moment, it ends within seconds and starts again as if nothing had been', async () => {
    const machine = machineOf()
    for (const delayMs of [50, 200, 350, 500, 700, 900, 1_200]) {
      const startedMs = performance.now()
      const { status } = await machine.runWith(
        { onSpawn: (child) => setTimeout(() => child.kill('SIGTERM'), delayMs).unref() },
        'up',
      )
      // Before it listens for signals, the system ends it.
      expect([0, null, 130, 143]).toContain(status)
      expect(performance.now() - startedMs).toBeLessThan(delayMs + END_MS_MAX)
    }
    await machine.up()
    expect((await machine.run('run', '--', 'true')).status).toBe(0)
  })

  test('while it joins by an address where nobody answers, it ends within seconds', async () => {
    const first = machineOf()
    const daemon = await first.up()
    const { ticket, addresses } = await inviteOf(first)
    await first.kill(daemon, 'SIGTERM')
    const silent = await listenSilently(Number(/\/tcp\/(\d+)/.exec(addresses[0]!)![1]))
    onTestFinished(() => void silent.close())
    const second = machineOf()
    let toldMs = 0
    const { status } = await second.runWith(
      {
        onSpawn: (child) =>
          silent.once('connection', () => {
            toldMs = performance.now()
            child.kill('SIGTERM')
          }),
      },
      'up',
      '--join',
      ticket,
    )
    expect(status).toBe(130)
    // It would wait for ten seconds and more.
    expect(performance.now() - toldMs).toBeLessThan(6_000)
  })
})

async function inviteOf(machine: Machine): Promise<{ ticket: string; addresses: string[] }> {
  const { ticket } = await machine.json('invite')
  return { ticket, addresses: (await machine.json('status')).addresses }
}

/** Takes connections and says nothing. */
function listenSilently(port: number): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}))
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}

describe('a node', () => {
  test('that stood still is called dead, and is back without help', async () => {
    const first = machineOf({ ROOST_NAME: 'n1' })
    await first.up()
    const second = machineOf({ ROOST_NAME: 'n2' })
    const daemon = await second.up('--join', (await first.json('invite')).ticket)
    const [one, two] = [new DaemonClient(first), new DaemonClient(second)]
    await until(
      'both know both',
      async () => (await one.names('alive')).length + (await two.names('alive')).length === 4,
    )
    // The launcher is another process than the daemon.
    const { pid } = await two.status()
    process.kill(pid, 'SIGSTOP')
    await until('it is called dead', async () => (await one.names('dead')).join() === 'n2', 60_000)
    process.kill(pid, 'SIGCONT')
    await until('it is back', async () => (await one.names('alive')).join() === 'n1,n2')
    await until('it sees the other', async () => (await two.names('alive')).join() === 'n1,n2')
    const { nodes } = await first.json('find', 'true', '-n', '5')
    expect(nodes).toHaveLength(2)
    expect(daemon.exitCode).toBe(null)
  })

  test('that restarts again and again under a running unit ends it as if nothing had been', async () => {
    const restartsCount = Number(process.env['ROOST_TEST_RESTARTS'] ?? 5)
    const machine = machineOf()
    let daemon = await machine.up()
    const client = new DaemonClient(machine)
    const [gate, starts] = [join(machine.home, 'gate'), join(machine.home, 'starts')]
    const file = join(machine.home, 'job.yaml')
    writeFileSync(file, `run: echo $$ >> ${starts}; while [ ! -e ${gate} ]; do sleep 0.1; done; exit 7\n`)
    const { id } = await machine.json('submit', file)
    await until('it runs', async () => (await client.job(id)).state === 'running')
    for (let count = 0; count < restartsCount; count++) {
      await machine.kill(daemon, count % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
      daemon = await machine.up()
      expect((await client.job(id)).state).toBe('running')
    }
    writeFileSync(gate, '')
    expect((await machine.run('wait', id)).status).toBe(7)
    expect(readFileSync(starts, 'utf8').trim().split('\n')).toHaveLength(1)
  })
})
