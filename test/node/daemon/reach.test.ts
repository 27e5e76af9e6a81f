import { spawn, type ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Machine, until } from '../../support/machine.ts'
import { TestInternet, whyNoNamespaces, type TestHost } from '../../support/namespaces.ts'

/**
 * Four daemons on two networks: two at public addresses, and two each behind a NAT of its own, which can reach each other over a
 * relay alone. One story, since making it takes longer than all of its steps.
 */

const whyNot = whyNoNamespaces()
if (whyNot !== undefined) console.warn(`skipped: ${whyNot}`)

describe.skipIf(whyNot !== undefined)('nodes behind NAT', () => {
  let internet: TestInternet
  const machines: Machine[] = []
  const named = (name: string, { through }: TestHost): Machine => {
    const made = new Machine({ ROOST_NAME: name, ROOST_LISTEN: '0.0.0.0,::', ROOST_PORT: '7667' }, through)
    machines.push(made)
    return made
  }
  const check = async (here: Machine): Promise<any> => here.ask('/net/check', {})
  const foundNames = async (here: Machine, where: string): Promise<string[]> =>
    (await here.ask('/find', { where, count: 50 })).nodes.map((node: any) => node.name).sort()

  beforeAll(() => {
    internet = new TestInternet()
  })
  afterAll(async () => {
    await Promise.all(machines.map((machine) => machine.end()))
    internet.end()
  })

  test('are full members over relays, which may go', { timeout: 120_000 }, async () => {
    const [alpha, beta] = [named('alpha', internet.publicHost()), named('beta', internet.publicHost())]
    const [homeHost, hutHost] = [internet.hiddenHost(), internet.hiddenHost()]
    const [home, hut] = [named('home', homeHost), named('hut', hutHost)]
    const alphaDaemon = await alpha.up()
    const tickets = await Promise.all([beta, home, hut].map(async () => (await alpha.json('invite')).ticket))
    const daemons = await Promise.all([beta, home, hut].map((here, index) => here.up('--join', tickets[index])))
    const reached = await check(alpha)
    expect(reached.state).toBe('reachable')
    // Both versions of IP, and neither loopback nor link-local addresses.
    expect(reached.addresses.map((address: string) => address.split('/').slice(1, 3).join(' '))).toEqual([
      expect.stringMatching(/^ip4 192\.0\.2\./),
      expect.stringMatching(/^ip6 2001:db8::/),
    ])

    for (const here of [home, hut])
      await until('both relays are held', async () => {
        const report = await check(here)
        return report.state === 'relayed' && report.relays.length === 2
      })
    const report = await check(home)
    expect(report.addresses.some((address: string) => address.includes('/p2p-circuit/'))).toBe(true)
    expect((await home.run('net', 'check')).stdout).toContain('reach      relayed')

    await until('hut finds home', async () => (await foundNames(hut, 'true')).includes('home'))
    await home.run('node', 'label', 'colour=red')
    await until('by its label', async () => (await foundNames(hut, 'colour == "red"')).join() === 'home')
    const ran = await hut.run('run', '--where', 'colour == "red"', '--', 'sh', '-c', 'echo from $ROOST_INDEX; exit 7')
    expect(ran).toMatchObject({ status: 7, stdout: 'from 0\n' })

    const server = inside(homeHost, "require('http').createServer((_, r) => r.end('served at home')).listen(8080)")
    await home.run('app', 'publish', 'web', '--port', '8080')
    await until('it is known', async () => (await hut.json('app', 'find')).applications.length === 1)
    const tunnel = new Promise<ChildProcess>(
      (resolve) => void hut.runWith({ onSpawn: resolve }, 'app', 'connect', 'web', '9000'),
    )
    await until('the tunnel carries', async () => {
      const asked = inside(hutHost, "fetch('http://127.0.0.1:9000').then((r) => r.text()).then(console.log, () => {})")
      return (await text(asked.stdout!)).trim() === 'served at home'
    })
    ;(await tunnel).kill('SIGINT')
    server.kill()

    await beta.kill(daemons[0]!)
    const killedMs = performance.now()
    await until('home is reached again', async () => {
      const run = await hut.run('run', '--where', 'colour == "red"', '--', 'true')
      return run.status === 0
    })
    expect(performance.now() - killedMs).toBeLessThan(30_000)

    await alpha.kill(alphaDaemon)
    await until('nobody is left', async () => (await check(home)).state === 'cut-off')
    const cutOff = await home.run('net', 'check')
    expect(cutOff.status).toBe(5)
    expect(cutOff.stdout).toContain('no other node is connected')
  })
})

/** A script of Node.js on a host of the test. */
function inside({ through: [program, ...args] }: TestHost, script: string): ChildProcess {
  return spawn(program!, [...args, process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
}
