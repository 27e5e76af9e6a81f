// How long from the start of a unit to its end being known, through the launcher and its shim?
//
// Baseline: fork and exec of `true` by node:child_process, from spawn to its exit event. Both one after another, and a
// number at once. `--quick` runs for a moment.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalLauncher } from '../aem/execution/index.ts'
import { unitIdOf, type UnitOrder } from '../aem/protocol/index.ts'
import { header, quick, row, summary } from './support/report.ts'

const AT_ONCE_COUNTS = [1, 8]
const unitsCount = quick ? 24 : 400

header('How long from the start of a unit `true` to its exit, beside fork and exec of `true`?', {
  units: unitsCount,
  atOnce: AT_ONCE_COUNTS.join(','),
})

const root = mkdtempSync(join(tmpdir(), 'roost-bench-'))
const JOB = '0'.repeat(26)
const ended = new Map<string, () => void>()
const launcher = new LocalLauncher({
  self: 'bench',
  root,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  fetchInput: () => Promise.reject(new Error('no inputs here')),
  onExit: (unitId) => ended.get(unitId)?.(),
})

let attempt = 0
async function throughLauncher(): Promise<void> {
  const order = orderOf(++attempt)
  const end = new Promise<void>((resolve) => ended.set(order.unitId, resolve))
  await launcher.start(order)
  await end
  await launcher.forget(order.unitId)
}

function bare(): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn('true', { stdio: 'ignore' })
      .once('exit', () => resolve())
      .once('error', reject)
  })
}

// Units outlive us, so that nothing of theirs keeps this process alive.
const alive = setInterval(() => {}, 60_000)
try {
  for (const atOnce of AT_ONCE_COUNTS) {
    await timesOf(bare, { count: 8, atOnce })
    await timesOf(throughLauncher, { count: 8, atOnce })
    const baseline = await timesOf(bare, { count: unitsCount, atOnce })
    const units = await timesOf(throughLauncher, { count: unitsCount, atOnce })
    row(`fork and exec, ${atOnce} at once`, baseline, 'ms')
    row(`unit, ${atOnce} at once`, units, 'ms', summary(baseline).median)
  }
} finally {
  clearInterval(alive)
  launcher.close()
  rmSync(root, { recursive: true, force: true })
}

/** Milliseconds of each, `atOnce` of them under way at any time. */
async function timesOf(
  once: () => Promise<void>,
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
): Promise<number[]> {
  const timesMs: number[] = []
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const startMs = performance.now()
      await once()
      timesMs.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return timesMs
}

function orderOf(number: number): UnitOrder {
  return {
    unitId: unitIdOf(JOB, number, 0),
    jobId: JOB,
    name: 'true',
    index: 0,
    count: 1,
    attempt: number,
    run: ['true'],
    env: {},
    cores: 1,
    limits: {},
    inputs: [],
    outputs: [],
    controller: 'bench',
    owner: 'bench',
    peers: ['bench'],
  }
}
