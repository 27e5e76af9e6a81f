// How fast are bytes through a tunnel, beside the libp2p stream under it?
//
// Limit: a bare libp2p stream (tcp, noise, yamux) between two processes. The tunnel has the same between its ends, and beyond each a
// connection over loopback: from a program to the near daemon, and from the far daemon to a program. For scale, the same
// bytes over loopback alone. `--quick` sends little; `--mib N` sets how much.

import { fork } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Tunnels } from '../node/daemon/tunnels.ts'
import { cpuSeconds } from './support/process.ts'
import { header, quick, row, summary } from './support/report.ts'
import { startBareSource } from './support/bare-nodes.ts'
import { startNetwork } from './support/network.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, mib: { type: 'string' }, rounds: { type: 'string' } },
})
const mib = Number(values.mib ?? (quick ? 16 : 256))
const rounds = Number(values.rounds ?? (quick ? 2 : 7))
/** What a program that copies a file writes at once. */
const CHUNK_BYTES = 65_536
const CONNECTS_COUNT = quick ? 10 : 100

header('How fast are bytes through a tunnel, beside the libp2p stream under it?', {
  mib,
  rounds,
  chunkBytes: CHUNK_BYTES,
})

const far = fork(join(import.meta.dirname, 'support/tunnel-end.ts'))
const end = await new Promise<any>((resolve) => far.once('message', resolve))
const network = await startNetwork()
network.know(end.peer, end.addresses)
await network.connect(end.peer)
const nothing = (): void => {}
const tunnels = new Tunnels({
  network,
  vo: 'bench',
  log: { debug: nothing, info: nothing, warn: console.error, error: console.error },
  published: () => [],
  resolve: async () => [{ record: end.record, signature: new Uint8Array(64) }],
})
const closing = new AbortController()
const { port } = await tunnels.open('sink', { port: 0, signal: closing.signal, onNews: nothing })

const chunk = new Uint8Array(CHUNK_BYTES).fill(7)
const count = (mib * 1_048_576) / CHUNK_BYTES
const sendBare = await startBareSource(end.bare)
const ways: Readonly<Record<string, () => Promise<void>>> = {
  'loopback alone': () => sendTcp(end.port, count),
  'libp2p stream': () => sendBare(chunk, count),
  tunnel: () => sendTcp(port, count),
}
const speeds = samplesOf(ways)
const costs = samplesOf(ways)
for (let round = -1; round < rounds; round++)
  for (const [name, send] of Object.entries(ways)) {
    const [startMs, startSeconds] = [performance.now(), usedSeconds()]
    await send()
    // The first round warms up.
    if (round < 0) continue
    speeds.get(name)!.push(mib / ((performance.now() - startMs) / 1_000))
    costs.get(name)!.push(mib / (usedSeconds() - startSeconds))
  }
const [limit, costLimit] = ['libp2p stream', 'libp2p stream'].map(
  (name, index) => summary((index ? costs : speeds).get(name)!).median,
)
for (const [name, samples] of speeds) row(name, samples, 'MiB/s', limit)
for (const [name, samples] of costs) row(`${name}, of both processes' CPU`, samples, 'MiB/CPU s', costLimit)

const openMs: number[] = []
for (let index = 0; index < CONNECTS_COUNT; index++) {
  const startMs = performance.now()
  await sendTcp(port, 0)
  openMs.push(performance.now() - startMs)
}
row('a connection through the tunnel, there and back', openMs, 'ms')

closing.abort()
far.kill()
await network.stop()
process.exit()

function samplesOf(names: object): Map<string, number[]> {
  return new Map(Object.keys(names).map((name) => [name, []]))
}

function usedSeconds(): number {
  return cpuSeconds(process.pid) + cpuSeconds(far.pid!)
}

/** Writes chunks to a port of this machine, as fast as it takes them; resolves when the far end has them all. */
async function sendTcp(to: number, chunksCount: number): Promise<void> {
  const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
  const done = new Promise<void>((resolve, reject) => {
    socket.once('data', () => resolve())
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection ended early')))
  })
  for (let index = 0; index < chunksCount; index++)
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve))
  socket.end()
  await done
  socket.destroy()
}
