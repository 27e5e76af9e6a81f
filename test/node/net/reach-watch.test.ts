import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DialBackReply } from '../../../node/net/dial-back.ts'
import { ReachWatch } from '../../../node/net/reach.ts'
import type { DirectPeer } from '../../../node/net/reach.ts'
import { MemoryLog } from './grid.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const NEAR = '10.1.'
const peer = (name: string, host: string, isInbound = false): DirectPeer => ({ peer: name, host, isInbound, ageMs: 0 })

/** A watch whose peers answer as a table says: the port where they reached it, or nothing. */
function watch(answers: Readonly<Record<string, boolean | 'silent'>>) {
  const world = { peers: [] as DirectPeer[], place: 'here', ports: [7667] }
  const asked: string[] = []
  const verdicts: boolean[] = []
  const kept: boolean[] = []
  const made = new ReachWatch({
    nowMs: () => performance.now(),
    log: new MemoryLog(),
    peers: () => world.peers,
    isConnected: () => world.peers.length > 0,
    isNear: (host) => host.startsWith(NEAR),
    place: () => world.place,
    ports: () => world.ports,
    ask: async (name): Promise<DialBackReply> => {
      asked.push(name)
      if (answers[name] === 'silent') throw new Error('no answer')
      return { host: '192.0.2.1', open: answers[name] ? [7667] : [] }
    },
    relays: { keep: (isWanted) => void kept.push(isWanted), peers: () => [] },
    onVerdict: (isReachable) => void verdicts.push(isReachable),
    onLook: () => {},
  })
  made.start()
  return { made, world, asked, verdicts, kept, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) }
}

describe('whether others reach a node', () => {
  test('is asked after a grace, of two peers of different networks', async () => {
    const { made, world, asked, verdicts, pass } = watch({ a: true, b: true, c: true })
    world.peers = [peer('a', '198.51.100.1'), peer('b', '198.51.100.2'), peer('c', '203.0.113.1')]
    await pass(2_000)
    expect(asked).toEqual([])
    await pass(3_000)
    expect(asked).toEqual(['a', 'c'])
    expect(verdicts).toEqual([true])
    expect(made.state()).toBe('reachable')
    await pass(60_000)
    expect(asked).toHaveLength(2)
    made.stop()
  })

  test('is decided by a third where two disagree, and a silent one does not count', async () => {
    const { world, asked, verdicts, kept, pass } = watch({ a: true, b: 'silent', c: false, d: false })
    world.peers = ['a', 'b', 'c', 'd'].map((name, index) => peer(name, `203.0.${index}.1`))
    await pass(5_000)
    expect(asked).toEqual(['a', 'b', 'c', 'd'])
    expect(verdicts).toEqual([false])
    await pass(1_000)
    expect(kept.at(-1)).toBe(true)
  })

  test('is for the most distant to tell: a neighbour behind the same NAT is not heard', async () => {
    const { world, asked, verdicts, pass } = watch({ far: false })
    world.peers = [peer('neighbour', `${NEAR}0.7`, true), peer('far', '203.0.113.1')]
    await pass(5_000)
    expect(asked).toEqual(['far'])
    expect(verdicts).toEqual([false])
  })

  test('needs no question while somebody has dialed in, but one in a new place', async () => {
    const { world, asked, verdicts, pass } = watch({ a: false })
    world.peers = [peer('a', '203.0.113.1', true)]
    await pass(5_000)
    expect([asked, verdicts]).toEqual([[], [true]])
    world.place = 'elsewhere'
    await pass(2_000)
    expect([asked, verdicts]).toEqual([['a'], [true, false]])
  })

  test('tells where it was seen, and no longer once it has moved, until it is seen there', async () => {
    const { made, world, pass } = watch({ a: true })
    world.peers = [peer('a', '203.0.113.1')]
    await pass(5_000)
    expect(made.seenAt()).toEqual([{ host: '192.0.2.1', port: 7667 }])
    world.place = 'elsewhere'
    expect(made.seenAt()).toEqual([])
    await pass(2_000)
    expect(made.seenAt()).toHaveLength(1)
    made.stop()
  })

  test('is asked again every minute while the answer is no', async () => {
    const answers: Record<string, boolean> = { a: false }
    const { world, asked, verdicts, pass } = watch(answers)
    world.peers = [peer('a', '203.0.113.1')]
    await pass(5_000)
    answers['a'] = true
    await pass(60_000)
    expect(asked).toHaveLength(2)
    expect(verdicts).toEqual([false, true])
  })

  test('is no for a node that listens nowhere, without a question', async () => {
    const { world, asked, verdicts, pass } = watch({ a: true })
    world.ports = []
    world.peers = [peer('a', '203.0.113.1')]
    await pass(1_000)
    expect([asked, verdicts]).toEqual([[], [false]])
  })
})
