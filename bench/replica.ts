/** How fast does a replica group of three daemons commit, and how soon is a killed leader replaced? */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { Machine } from '../test/support/machine.ts'
import type { Member } from '../test/support/machines.ts'
import { notesGridOf } from '../test/support/notes-grid.ts'
import { cpuSeconds } from './support/process.ts'
import { header, quick, row, timeMs } from './support/report.ts'

const daemonCount = 3
const roundCount = quick ? 2 : 3
const singleCount = quick ? 100 : 1_000
const manyCount = quick ? 500 : 10_000
const inFlight = 64
const takeoverCount = quick ? 1 : 3
const textBytes = 100

header(
  'How fast does a replica group of three daemons commit, beside its disk, and how soon is a killed leader replaced?',
  {
    daemonCount,
    roundCount,
    singleCount,
    manyCount,
    inFlight,
    textBytes,
  },
)

const text = 'x'.repeat(textBytes)
const machines: Machine[] = []
const directory = mkdtempSync(join(tmpdir(), 'roost-bench-'))
try {
  const grid = await notesGridOf(daemonCount, machines)
  const [founder] = grid as [Member, Member, Member]
  await founder.machine.ask('/notes/create', { name: 'bench', members: grid.map(({ id }) => id) })
  await votersOf(founder)
  // Disk and group take turns, so that what else the machine does falls on both.
  const [syncs, together, batches, singles, many]: number[][] = [[], [], [], [], []]
  const [singleCpuMs, manyCpuMs]: number[][] = [[], []]
  for (let round = 0; round < roundCount; round++) {
    syncs!.push(syncsPerSecond(singleCount))
    together!.push(await syncsTogetherPerSecond(singleCount))
    batches!.push(await batchesPerSecond(singleCount))
    for (const [load, rates, cpuMs] of [
      [{ count: singleCount, inFlight: 1 }, singles!, singleCpuMs!],
      [{ count: manyCount, inFlight }, many!, manyCpuMs!],
    ] as const) {
      const before = cpuOf(grid)
      rates.push(await commitsPerSecond(founder, load))
      cpuMs.push((1_000 * (cpuOf(grid) - before)) / load.count)
    }
  }
  row('fdatasync of one entry', syncs!, '/s')
  const syncMedian = median(syncs!)
  row(`the same of ${daemonCount} files at once, each`, together!, '/s', syncMedian)
  row('one entry in a synced batch of level', batches!, '/s', syncMedian)
  const batchMedian = median(batches!)
  row('commits, one by one (bar 500)', singles!, '/s', batchMedian)
  row(`commits, ${inFlight} in flight (bar 5,000)`, many!, '/s', batchMedian)
  row('processor time of a commit, all daemons', singleCpuMs!, 'ms')
  row(`the same, ${inFlight} in flight`, manyCpuMs!, 'ms')
  const takeovers: number[] = []
  for (let round = 0; round < takeoverCount; round++) takeovers.push(await takeoverMs(grid))
  row('next commit after a leader is killed (bar 3,000)', takeovers, 'ms')
} finally {
  await Promise.all(machines.map((machine) => machine.end()))
  rmSync(directory, { recursive: true, force: true })
}

function syncsPerSecond(count: number): number {
  const file = openSync(join(directory, 'syncs'), 'a')
  const bytes = Buffer.alloc(2 * textBytes)
  const sinceMs = performance.now()
  for (let index = 0; index < count; index++) {
    writeSync(file, bytes)
    fdatasyncSync(file)
  }
  const elapsedMs = performance.now() - sinceMs
  closeSync(file)
  return (count / elapsedMs) * 1_000
}

/** All daemons of the bench have one disk: a commit that waits for no processor still waits for their syncs. */
async function syncsTogetherPerSecond(count: number): Promise<number> {
  const bytes = Buffer.alloc(2 * textBytes)
  const sync = async (number: number): Promise<void> => {
    const file = await open(join(directory, `together-${number}`), 'a')
    for (let index = 0; index < count; index++) {
      await file.write(bytes)
      await file.datasync()
    }
    await file.close()
  }
  const elapsedMs = await timeMs(() => Promise.all(Array.from({ length: daemonCount }, (_, number) => sync(number))))
  return (count / elapsedMs) * 1_000
}

async function batchesPerSecond(count: number): Promise<number> {
  const level = new Level<string, Uint8Array>(join(directory, 'level'), { valueEncoding: 'view' })
  await level.open()
  const value = new Uint8Array(2 * textBytes)
  const elapsedMs = await timeMs(async () => {
    for (let index = 0; index < count; index++)
      await level.batch([{ type: 'put', key: `${index}`.padStart(40, '0'), value }], { sync: true })
  })
  await level.close()
  return (count / elapsedMs) * 1_000
}

/** Of all daemons so far, in seconds. */
function cpuOf(grid: readonly Member[]): number {
  return grid.reduce((sum, { daemon }) => sum + cpuSeconds(daemon.pid!), 0)
}

/** The leader's own daemon asks, so that what is measured is the group. */
async function commitsPerSecond(at: Member, load: { count: number; inFlight: number }): Promise<number> {
  const { elapsedMs } = await at.machine.ask('/notes/load', { name: 'bench', text, ...load })
  return (load.count / elapsedMs) * 1_000
}

/** From the kill to the next commit that a survivor is told of. */
async function takeoverMs(grid: readonly Member[]): Promise<number> {
  const leader = await leaderOf(grid)
  const asking = grid.find((member) => member !== leader)!
  await commitsPerSecond(asking, { count: 10, inFlight: 1 })
  const elapsedMs = await timeMs(async () => {
    leader.daemon.kill('SIGKILL')
    await commitsPerSecond(asking, { count: 1, inFlight: 1 })
  })
  await leader.machine.kill(leader.daemon)
  leader.daemon = await leader.machine.up()
  await commitsPerSecond(leader, { count: 10, inFlight: 1 })
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  return elapsedMs
}

async function leaderOf(grid: readonly Member[]): Promise<Member> {
  for (;;)
    for (const member of grid) {
      const { groups } = await member.machine.ask('/notes/list', {})
      if (groups[0]?.role === 'leader') return member
    }
}

async function votersOf(member: Member): Promise<void> {
  for (;;) {
    const { groups } = await member.machine.ask('/notes/list', {})
    if (groups[0]?.configuration.voters.length === daemonCount) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function median(samples: readonly number[]): number {
  return samples.toSorted((one, other) => one - other)[Math.floor(samples.length / 2)]!
}
