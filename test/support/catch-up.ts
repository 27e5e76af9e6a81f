import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { residentMib } from '../../bench/support/process.ts'
import type { BlobDigest } from '../overlay/replica/blobs.ts'
import { Machine, until } from './machine.ts'
import type { Member } from './machines.ts'
import { notesGridOf } from './notes-grid.ts'

/**
 * A member of a group that was away comes back to a state of so many bytes, and is sent it as a snapshot while the group goes on
 * serving: three real daemons.
 */
export interface CatchUp {
  readonly stateBytes: number
  /** Until the member votes again, with all of the state. */
  readonly catchUpMs: number
  /** How long it takes to write and sync as many bytes on the same disk, and nothing else. */
  readonly writeMs: number
  /** Of single commands, one after another: before, and while the member catches up. */
  readonly quietMs: readonly number[]
  readonly meanwhileMs: readonly number[]
  /** Resident memory: before the member came back, and at most from then on. */
  readonly leaderMib: { readonly before: number; readonly most: number }
  readonly memberMib: { readonly before: number; readonly most: number }
  /** What the group has, by the leader that served and by the member that caught up. */
  readonly digests: readonly [BlobDigest, BlobDigest]
}

const ROW_BYTES = 60_000
const FILLER_CHARS = 1_000
/** What the log weighs at least before a snapshot is taken: `compactWeightMin`. */
const LOG_BYTES = 4_194_304
const IN_FLIGHT = 32
/** Commands that one request to the daemon is for. */
const STEP_COUNT = 200
const QUIET_COUNT = 200
const WRITE_BYTES = 1_048_576
const SAMPLE_MS = 100
const CATCH_UP_MS_MAX = 900_000

export async function catchUp(stateBytes: number, say: (line: string) => void): Promise<CatchUp> {
  const machines: Machine[] = []
  try {
    const grid = await notesGridOf(3, machines)
    const [leader, , member] = grid as [Member, Member, Member]
    await leader.machine.ask('/notes/blobs/create', { members: grid.map(({ id }) => id) })
    await until('all vote', async () => (await votersOf(leader)) === 3)
    await member.machine.kill(member.daemon, 'SIGTERM')
    const rowCount = await fill(leader, stateBytes)
    say(`${rowCount} rows, ${mib(rowCount * ROW_BYTES)} MiB`)
    const quietMs = await singles(leader, 0, QUIET_COUNT)
    const writeMs = await writingMs(leader.machine, rowCount * ROW_BYTES)
    say(`as many bytes are written and synced in ${(writeMs / 1_000).toFixed(1)} s`)
    const leaderBefore = residentMib(leader.daemon.pid!)

    const cameBackMs = performance.now()
    member.daemon = await member.machine.up()
    const memberBefore = residentMib(member.daemon.pid!)
    let [leaderMost, memberMost] = [leaderBefore, memberBefore]
    const meanwhileMs: number[] = []
    const target = (await groupAt(leader)).appliedIndex
    let sampledMs = 0
    for (let number = 0; ; number++) {
      meanwhileMs.push(...(await singles(leader, number % 100, 1)))
      const nowMs = performance.now()
      if (nowMs - cameBackMs > CATCH_UP_MS_MAX) throw new Error('the member does not catch up')
      if (nowMs - sampledMs < SAMPLE_MS) continue
      sampledMs = nowMs
      leaderMost = Math.max(leaderMost, residentMib(leader.daemon.pid!))
      memberMost = Math.max(memberMost, residentMib(member.daemon.pid!))
      if ((await groupAt(member))?.appliedIndex >= target) break
    }
    const catchUpMs = performance.now() - cameBackMs
    say(`caught up in ${(catchUpMs / 1_000).toFixed(1)} s`)
    const before = await digestAt(leader)
    await leader.machine.ask('/notes/blobs/hand-over', { to: member.id })
    await until('the member leads', async () => (await groupAt(member)).role === 'leader')
    return {
      stateBytes: rowCount * ROW_BYTES,
      catchUpMs,
      writeMs,
      quietMs,
      meanwhileMs,
      leaderMib: { before: leaderBefore, most: leaderMost },
      memberMib: { before: memberBefore, most: memberMost },
      digests: [before, await digestAt(member)],
    }
  } finally {
    await Promise.all(machines.map((machine) => machine.end()))
  }
}

/** Rows first, then as much log as makes all members take a snapshot of all of them and forget what it was made of. */
async function fill({ machine }: Member, stateBytes: number): Promise<number> {
  const rowCount = Math.ceil(stateBytes / ROW_BYTES)
  const ask = (from: number, count: number, filler: string): Promise<unknown> =>
    machine.ask('/notes/blobs/fill', { from, count, bytes: ROW_BYTES, filler, inFlight: IN_FLIGHT })
  for (let from = 0; from < rowCount; from += STEP_COUNT) await ask(from, Math.min(STEP_COUNT, rowCount - from), '')
  const filler = 'x'.repeat(FILLER_CHARS)
  const touchCount = Math.ceil((3 * LOG_BYTES) / FILLER_CHARS)
  const stepCount = Math.min(STEP_COUNT, rowCount)
  for (let left = touchCount; left > 0; left -= stepCount) await ask(0, stepCount, filler)
  return rowCount
}

async function singles({ machine }: Member, from: number, count: number): Promise<number[]> {
  const { latenciesMs } = await machine.ask('/notes/blobs/fill', {
    from,
    count,
    bytes: ROW_BYTES,
    filler: '',
    inFlight: 1,
  })
  return latenciesMs
}

async function groupAt({ machine }: Member): Promise<any> {
  const { groups } = await machine.ask('/notes/list', {})
  return groups[0]
}

async function votersOf(member: Member): Promise<number> {
  return (await groupAt(member)).configuration.voters.length
}

async function digestAt({ machine }: Member): Promise<BlobDigest> {
  return (await machine.ask('/notes/blobs/digest', {})).digest
}

async function writingMs({ home }: Machine, bytes: number): Promise<number> {
  const piece = new Uint8Array(WRITE_BYTES)
  const sinceMs = performance.now()
  const file = await open(join(home, 'written'), 'w')
  for (let written = 0; written < bytes; written += WRITE_BYTES) {
    await file.write(piece)
    await file.datasync()
  }
  await file.close()
  return performance.now() - sinceMs
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0)
}
