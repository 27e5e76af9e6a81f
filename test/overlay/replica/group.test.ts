import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../../node/codec/index.ts'

import { REPLICA_DEFAULTS, type ReplicaMessage, type StoredReplica } from '../../../overlay/replica/index.ts'
import { WRITES_PENDING_MAX } from '../../../overlay/replica/saving.ts'
import { GROUP, GroupRun, type GroupRunOptions, type Machine } from './group-run.ts'

const TIMEOUT = { timeoutMs: 10_000 }

describe('a group of three', () => {
  test('has another leader within three seconds of a kill, and clients only wait', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const run = await groupOf({ seed, options: REPLICA_DEFAULTS })
      await put(run, 'a', 'before')
      run.crash(run.leader!)
      const killedMs = run.sim.nowMs
      await put(run, 'a', 'after')
      expect(run.sim.nowMs - killedMs).toBeLessThan(3_000)
      expect(await read(run, 'a')).toBe('after')
    }
  })

  test('keeps what was answered when all its machines lose their power at once', async () => {
    const run = await groupOf({ seed: 3 })
    await put(run, 'a', 'kept')
    for (const machine of run.machines) run.crash(machine)
    for (const machine of run.machines) run.restart(machine)
    expect(await read(run, 'a')).toBe('kept')
  })

  test('answers nothing without a majority: the error says that the outcome is unknown', async () => {
    const run = await groupOf({ seed: 4 })
    await put(run, 'a', 'before')
    const leader = run.leader!
    for (const machine of run.machines) if (machine !== leader) run.crash(machine)
    const error = await put(run, 'a', 'lost?', 900).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'GROUP_UNREACHABLE', certain: false })
    for (const machine of run.machines) run.crash(machine)
    const unsent = await read(run, 'a', 900).catch((thrown: unknown) => thrown)
    expect(unsent).toMatchObject({ code: 'GROUP_UNREACHABLE', certain: true })
  })

  test('writes in one go what it is given in one turn, and sends it to each follower in one message', async () => {
    const writes: number[] = []
    const messages: number[] = []
    const run = await groupOf({
      seed: 44,
      options: { ...REPLICA_DEFAULTS, electionMsMin: 5_000, electionMsMax: 6_000 },
      plants: {
        storage: (storage) => ({
          ...storage,
          persist: (write, settled) => {
            if (write.entries) writes.push(write.entries.length)
            storage.persist(write, settled)
          },
        }),
        message: (message) => {
          if (message.type === 'append' && message.entries.length > 0) messages.push(message.entries.length)
          return message
        },
      },
    })
    await put(run, 'a', 'before')
    writes.length = messages.length = 0
    const { replicas } = run.leader!
    const replica = replicas!.replica(GROUP)!
    const peer = run.machines[1]!.id
    await run.sim.run(0)
    run.sim.act(0, () => {
      for (let count = 0; count < 20; count++) replica.leadership!.propose({ type: 'open', peer }, () => undefined)
    })
    await run.sim.run(1_000)
    expect(messages).toEqual([20, 20])
    expect(writes).toEqual([20, 20, 20])
  })

  test('hands its leadership on without waiting for an election', async () => {
    const run = await groupOf({ seed: 5, options: REPLICA_DEFAULTS })
    const heir = run.machines.find((machine) => machine !== run.leader)!
    const beganMs = run.sim.nowMs
    await run.sim.converse(() => run.clients[0]!.handOver(heir.id, TIMEOUT), 20_000)
    expect(run.leader).toBe(heir)
    expect(run.sim.nowMs - beganMs).toBeLessThan(REPLICA_DEFAULTS.electionMsMin)
  })

  test('is handed on by a node that stops, and never without a leader for long', async () => {
    const run = await groupOf({ seed: 6, options: REPLICA_DEFAULTS })
    const leader = run.leader!
    let isDone = false
    leader.replicas!.resign(() => (isDone = true))
    await until(run, () => isDone)
    expect(run.leader).not.toBe(leader)
  })

  test('grows, shrinks, and lets its leader leave', async () => {
    const run = await groupOf({ seed: 7, machineCount: 4 })
    const [client] = run.clients
    const newcomer = run.machines[3]!
    await run.sim.converse(() => client!.change('add', newcomer.id, TIMEOUT), 20_000)
    expect(votersOf(run)).toHaveLength(4)
    const leader = run.leader!
    await put(run, 'a', 'by four')
    await run.sim.converse(() => client!.change('remove', leader.id, TIMEOUT), 20_000)
    await until(run, () => run.leader !== undefined && run.leader !== leader)
    expect(votersOf(run)).not.toContain(leader.id)
    expect(await read(run, 'a')).toBe('by four')
    expect(run.events).toContainEqual({ type: 'removed', group: GROUP })
  })

  test('does not lose its last voter', async () => {
    const run = await groupOf({ seed: 8, machineCount: 1, memberCount: 1 })
    const change = run.sim.converse(() => run.clients[0]!.change('remove', run.leader!.id, TIMEOUT), 20_000)
    await expect(change).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('takes back who lost a disk, as somebody new', async () => {
    const run = await groupOf({ seed: 9 })
    await put(run, 'a', 'kept')
    const victim = run.machines.find((machine) => machine !== run.leader)!
    const before = incarnationOf(run, victim)
    run.loseDisk(victim)
    run.restart(victim)
    await until(run, () => isVoter(run, victim) && incarnationOf(run, victim) !== before && victim.notes !== undefined)
    for (const machine of run.machines) if (machine !== victim && machine !== run.leader) run.crash(machine)
    expect(await read(run, 'a')).toBe('kept')
  })

  test('is not held up by a leader whose disk stands still', async () => {
    const run = await groupOf({ seed: 17, options: REPLICA_DEFAULTS })
    const leader = run.leader!
    await run.sim.run(100)
    leader.syncMs = 1e9
    let left = WRITES_PENDING_MAX + 200
    const lane = async (): Promise<void> => {
      while (left-- > 0) await run.clients[0]!.execute({ type: 'put', key: 'a', text: 'on' }, { timeoutMs: 60_000 })
    }
    await run.sim.converse(() => Promise.all(Array.from({ length: 100 }, lane)), 120_000)
    expect(run.leader).not.toBe(leader)
  })

  test('works through the codec of the daemon', async () => {
    const run = await groupOf({ seed: 10, passage: { encode, decode } })
    for (let count = 0; count < 40; count++) await put(run, `key ${count % 5}`, `${count}`.repeat(50))
    run.crash(run.leader!)
    expect(await read(run, 'key 4')).toBe('39'.repeat(50))
    expect(run.sim.counts.refused).toBe(0)
  })
})

test('one machine alone is a group, and answers at once', async () => {
  const run = await groupOf({ seed: 11, machineCount: 1, memberCount: 1 })
  await put(run, 'a', 'alone')
  run.crash(run.leader!)
  run.restart(run.machines[0]!)
  expect(await read(run, 'a')).toBe('alone')
})

describe('a large state', () => {
  const ROWS_COUNT = 160
  /** As much as a note may have: all of them are 640 kB, which stands for any size, since no part of it waits for another. */
  const TEXT = 'x'.repeat(4_000)
  /** The log is cut behind a snapshot, so that who was away needs that. */
  const WEIGHTS = {
    ...REPLICA_DEFAULTS,
    compactWeightMin: 300_000,
    compactWeightMax: 300_000,
    logWeightMax: 50_000_000,
    keepWeight: 0,
  }

  test('reaches a member that was away chunk by chunk, through crashes of its own, while the group serves', async () => {
    const said = new Map<string, number[]>()
    let underWay = 0
    let underWayMax = 0
    const message = (one: ReplicaMessage): ReplicaMessage => {
      if (one.type === 'chunk') {
        const numbers = said.get(one.snapshot.id) ?? []
        said.set(one.snapshot.id, numbers)
        numbers.push(one.number)
        underWayMax = Math.max(underWayMax, ++underWay)
      } else if (one.type === 'chunk-ack') underWay = Math.max(0, underWay - 1)
      return one
    }
    const run = await groupOf({ seed: 12, options: WEIGHTS, plants: { message } })
    const away = run.machines.find((machine) => machine !== run.leader)!
    run.crash(away)
    for (let row = 0; row < ROWS_COUNT; row++) await put(run, `row ${row}`, TEXT)

    run.restart(away)
    const chunksSaid = (): number => Math.max(0, ...[...said.values()].map((numbers) => numbers.length))
    for (const part of [20, 50, 80]) {
      await until(run, () => chunksSaid() > part)
      run.crash(away)
      run.restart(away)
      // The group goes on in between.
      await put(run, 'meanwhile', `${part}`)
    }
    await until(
      run,
      () => away.notes?.state === run.leader?.notes?.state && away.notes!.state.length > ROWS_COUNT * 4_000,
    )
    expect(said.size).toBe(1)
    const [numbers] = said.values()
    expect(new Set(numbers).size).toBeGreaterThan(60)
    // Each crash costs a window or two of chunks, not the whole.
    expect(numbers!.length).toBeLessThan(new Set(numbers).size + 100)
    expect(underWayMax).toBeLessThan(40)
  })

  test('is sent again from the beginning to a member whose disk has dropped what it had of it', async () => {
    let chunksCount = 0
    const message = (one: ReplicaMessage): ReplicaMessage => {
      if (one.type === 'chunk') chunksCount++
      return one
    }
    const stored = ({ staged: _dropped, ...kept }: StoredReplica): StoredReplica => kept
    const run = await groupOf({ seed: 18, options: WEIGHTS, plants: { message, stored } })
    const away = run.machines.find((machine) => machine !== run.leader)!
    run.crash(away)
    for (let row = 0; row < ROWS_COUNT; row++) await put(run, `row ${row}`, TEXT)
    run.restart(away)
    await until(run, () => chunksCount > 40)
    run.crash(away)
    run.restart(away)
    await until(run, () => isQuiet(run) && run.status(away)?.appliedIndex === run.status(run.leader!)?.appliedIndex)
    expect(away.notes!.state).toBe(run.leader!.notes!.state)
  })
})

describe('a client', () => {
  test('is told what the service says, as it is', async () => {
    const run = await groupOf({ seed: 13 })
    const malformed = run.sim.converse(
      () => run.clients[0]!.execute({ type: 'cut', key: 'a', text: '' } as never, TIMEOUT),
      20_000,
    )
    await expect(malformed).rejects.toMatchObject({ code: 'MESSAGE_MALFORMED', certain: true })
  })

  test('opens another session after an hour of silence', async () => {
    const patient = { heartbeatMs: 10_000, electionMsMin: 30_000, electionMsMax: 60_000 }
    const run = await groupOf({ seed: 14, options: patient })
    await put(run, 'a', 'one')
    await run.sim.run(4_000_000)
    await put(run, 'a', 'two')
    expect(await read(run, 'a')).toBe('two')
  })

  test('has hundreds of commands under way, each applied once', async () => {
    const run = await groupOf({ seed: 15, lossShare: 0.1, duplicateShare: 0.2 })
    const texts = Array.from({ length: 300 }, (_, index) => `${index} `)
    await run.sim.converse(
      () =>
        Promise.all(
          texts.map((text) => run.clients[0]!.execute({ type: 'append', key: 'a', text }, { timeoutMs: 60_000 })),
        ),
      120_000,
    )
    const words = (await read(run, 'a')).trim().split(' ').map(Number)
    expect(words.toSorted((one, other) => one - other)).toEqual(texts.map(Number))
  })
})

/** A group with a leader and all its voters. */
async function groupOf(options: Partial<GroupRunOptions> & { readonly seed: number }): Promise<GroupRun> {
  const run = new GroupRun({ machineCount: 3, memberCount: 3, clientCount: 1, isInStep: true, ...options })
  const members = options.memberCount ?? 3
  await until(run, () => votersOf(run).length === members && isQuiet(run))
  return run
}

/** What the leader has is committed, and everybody knows. */
function isQuiet(run: GroupRun): boolean {
  const status = run.leader && run.status(run.leader)
  return run.machines.every((machine) => {
    const own = run.status(machine)
    return own === undefined || own.commitIndex === status?.lastIndex
  })
}

async function until(run: GroupRun, done: () => boolean): Promise<void> {
  if (!(await run.sim.until(done, 120_000))) throw new Error('it did not come about within two minutes')
}

function put(run: GroupRun, key: string, text: string, timeoutMs = 10_000): Promise<string> {
  return run.sim.converse(() => run.clients[0]!.execute({ type: 'put', key, text }, { timeoutMs }), 2 * timeoutMs)
}

function read(run: GroupRun, key: string, timeoutMs = 10_000): Promise<string> {
  return run.sim.converse(() => run.clients[0]!.read({ key }, { timeoutMs }), 2 * timeoutMs)
}

function votersOf(run: GroupRun): string[] {
  const status = run.leader && run.status(run.leader)
  return status?.configuration.voters.map(({ peer }) => peer) ?? []
}

function isVoter(run: GroupRun, { id }: Machine): boolean {
  return votersOf(run).includes(id)
}

function incarnationOf(run: GroupRun, { id }: Machine): number | undefined {
  const status = run.leader && run.status(run.leader)
  return status?.configuration.voters.find(({ peer }) => peer === id)?.incarnation
}
