import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { encode } from '../../../node/codec/index.ts'
import { encodeEnvelope } from '../../../node/net/envelope.ts'
import { DaemonClient } from '../../support/daemon.ts'
import { makeInsider } from '../../support/insider.ts'
import { Machine, until } from '../../support/machine.ts'
import { subscriptionsTo } from '../../support/pubsub-bytes.ts'
import { openRaw, socketOf } from '../../support/raw-http.ts'
import { frame } from '../net/outsider.ts'

/** Members that send without end, or never read, at a real daemon: each is counted, dropped, and shown by metrics and doctor. */

let machine: Machine
let daemon: DaemonClient
let pid: number
let address: string
const insiders: Libp2p[] = []

/** What a daemon may grow by under any of this; it idles at some 100 MiB, and collects garbage when it likes. */
const GROWTH_BYTES_MAX = 200 * 1024 * 1024

beforeAll(async () => {
  machine = new Machine()
  await machine.up()
  daemon = new DaemonClient(machine)
  const status = await daemon.status()
  pid = status.pid
  address = status.addresses[0]
}, 120_000)
afterEach(async () => {
  expect((await daemon.status()).pid).toBe(pid)
  expect(machine.uncaughtCount).toBe(0)
})
afterAll(async () => {
  await Promise.all(insiders.map((insider) => insider.stop()))
  await machine.end()
})

/** A member that nobody knows yet. */
async function join(): Promise<{ id: string; connection: Connection }> {
  const { insider, connect } = await makeInsider(machine, address)
  insiders.push(insider)
  return { id: insider.peerId.toString(), connection: await connect() }
}

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/** Says so often what `bytes` gives, with a pause for the other side now and then, until the stream is over. */
async function pour(stream: Stream, bytes: (index: number) => Uint8Array, count: number): Promise<void> {
  for (let index = 0; index < count && stream.status === 'open'; index++) {
    try {
      if (!stream.send(bytes(index))) await new Promise((resolve) => setTimeout(resolve, 5))
    } catch {
      return
    }
  }
}

async function doctor(): Promise<{ name: string; state: string; detail: string }[]> {
  return (await daemon.ask('/doctor')).body.checks
}

/** The daemon has dropped it, says why, and counts it. */
async function expectDropped(id: string, connection: Connection, reason: string): Promise<void> {
  await until('the peer is dropped', () => connection.status !== 'open')
  expect(await daemon.metric('roost_net_cut_off_peers_count')).toBeGreaterThan(0)
  const checks = await doctor()
  const about = checks.find(({ detail }) => detail.includes(id))
  expect(about).toMatchObject({ state: 'warning', detail: expect.stringContaining(reason) })
  expect(checks.find(({ name }) => name === 'refused')!.detail).toContain(reason)
}

describe('a member', () => {
  test('that subscribes to topics without end is dropped', async () => {
    const before = residentBytes()
    const { id, connection } = await join()
    const stream = await connection.newStream('/meshsub/1.2.0')
    const topics = (index: number): string[] => Array.from({ length: 200 }, (_, at) => `/elsewhere/${index}/${at}`)
    await pour(stream, (index) => subscriptionsTo(topics(index)), 1_000)
    await expectDropped(id, connection, 'events foreign')
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX)
  })

  test('that opens streams without end is dropped', async () => {
    const { id, connection } = await join()
    for (let opened = 0; opened < 5_000 && connection.status === 'open'; opened += 100)
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const options = { signal: AbortSignal.timeout(10_000), maxOutboundStreams: 100_000 }
          await connection.newStream('/roost/http/1', options).catch(() => undefined)
        }),
      )
    await expectDropped(id, connection, 'connection streams')
    expect(await daemon.metric('roost_net_gate_excess_streams')).toBeGreaterThan(0)
  })

  test('that asks the grid and never reads what it is answered is held within bounds, and dropped', async () => {
    const before = residentBytes()
    const { id, connection } = await join()
    const stream = await connection.newStream('/roost/grid/1')
    stream.pause()
    const name = `nobody-${'x'.repeat(50)}`
    const read = encode({ type: 'read', shards: [0, 1, 2, 3], name })
    const ask = (index: number): Uint8Array =>
      frame(encodeEnvelope({ channel: '/roost/applications/1', kind: 'request', id: index, body: read }))
    // Each answer is a refusal soon, and some 200 bytes all the same.
    for (let round = 0; round < 2_000 && connection.status === 'open'; round++) {
      await pour(stream, (index) => ask(round * 100 + index), 100)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await until('it is dropped', () => connection.status !== 'open', 60_000)
    expect(await daemon.metric('roost_net_grid_waiting_bytes')).toBeLessThan(5_000_000)
    expect((await doctor()).some(({ detail }) => detail.includes(id))).toBe(true)
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX)
  })

  test('that sends a request a letter at a time is cut off', async () => {
    const { connection } = await join()
    const streams = await Promise.all(Array.from({ length: 20 }, () => connection.newStream('/roost/http/1')))
    const say = (words: string): void => {
      for (const stream of streams) if (stream.status === 'open') stream.send(new TextEncoder().encode(words))
    }
    say('GET /')
    const spelling = setInterval(() => say('x'), 500)
    await until('all are ended', () => streams.every(({ status }) => status !== 'open'), 30_000)
    clearInterval(spelling)
    expect(await daemon.metric('roost_net_http_late_requests')).toBeGreaterThanOrEqual(20)
    connection.abort(new Error('enough'))
  })
})

describe('a program of this machine', () => {
  test('that follows events and never reads them costs little, and nothing once it is gone', async () => {
    const { id } = await machine.json('submit', await jobFile('run: sleep 600'))
    const before = residentBytes()
    const sockets: Socket[] = []
    for (let count = 0; count < 300; count++) {
      const socket = (await openRaw(socketOf(machine.dataDir))).on('error', () => {}).pause()
      socket.write(`GET /aem/jobs/${id}/events?follow=true HTTP/1.1\r\nhost: x\r\n\r\n`)
      sockets.push(socket)
    }
    await until('all follow', async () => (await daemon.metric('roost_aem_followers_count')) === 300)
    expect(residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX)
    for (const socket of sockets) socket.destroy()
    await until('none follows', async () => (await daemon.metric('roost_aem_followers_count')) === 0)
    await machine.run('cancel', id)
    await machine.run('wait', id)
  })
})

async function jobFile(text: string): Promise<string> {
  const { writeFile } = await import('node:fs/promises')
  const path = `${machine.home}/job.yaml`
  await writeFile(path, text)
  return path
}
