import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { TestGrid } from './grid.ts'

const grid = new TestGrid()
afterEach(() => grid.stop())

test('a port that another program holds is PORT_TAKEN', async () => {
  const { network } = await grid.add()
  const port = /tcp\/(\d+)/.exec(network.addresses()[0]!)![1]!
  await expect(grid.add({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })).rejects.toMatchObject({ code: 'PORT_TAKEN' })
})

test('an address that this machine does not have is ADDRESS_UNAVAILABLE', async () => {
  const adding = grid.add({ listen: ['/ip4/192.0.2.1/tcp/0'] })
  await expect(adding).rejects.toMatchObject({ code: 'ADDRESS_UNAVAILABLE' })
})

test('addresses name the node, and ones that are made up are skipped', async () => {
  const { network } = await grid.add()
  for (const address of network.addresses()) expect(address).toMatch(new RegExp(`/p2p/${network.self}$`))
  const other = await grid.add()
  network.know(other.network.self, ['nonsense', '/ip4/1.2.3.4', ...other.network.addresses()])
  await network.connect(other.network.self)
})

test('when it has stopped nothing holds the process', async () => {
  const script = `
    import { TestGrid } from './test/node/net/grid.ts'
    const grid = new TestGrid()
    const [left, right] = await grid.addConnected(2)
    right.network.serveHttp((_request, response) => response.end('x'))
    await (await left.network.peerFetch(right.network.self)('http://x/')).text()
    await left.network.directory.announceUser('ada')
    left.network.events.subscribe('key', { near: right.network.self }, () => {})
    await grid.stop()
    await grid.stop()
    const stoppedMs = performance.now()
    process.on('exit', () => console.log(Math.round(performance.now() - stoppedMs)))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script], {
    timeout: 30_000,
  })
  expect(Number(stdout)).toBeLessThan(1_500)
})
