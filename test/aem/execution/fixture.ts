import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { LocalLauncher, type LauncherDependencies, type LauncherOptions } from '../../../aem/execution/index.ts'
import { unitIdOf, type UnitExit, type UnitOrder } from '../../../aem/protocol/index.ts'

export const JOB = '0123456789abcdefghjkmnpqrs'
export const NODE = '12D3KooWFakeNodeNodeNodeNodeNodeNodeNodeNodeNodeNode'

export const quiet = { debug() {}, info() {}, warn() {}, error() {} }

let unitsCount = 0

/** An order for a unit with an id of its own. */
export function orderFor(run: UnitOrder['run'], changes: Partial<UnitOrder> = {}): UnitOrder {
  const attempt = ++unitsCount
  return {
    unitId: unitIdOf(JOB, attempt, 0),
    jobId: JOB,
    name: 'test',
    index: 0,
    count: 1,
    attempt,
    run,
    env: {},
    cores: 1,
    limits: {},
    inputs: [],
    outputs: [],
    controller: NODE,
    owner: NODE,
    peers: [NODE],
    ...changes,
  }
}

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'roost-aem-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

export interface Started {
  readonly launcher: LocalLauncher
  readonly root: string
  /** How the unit ended, when it did. */
  exitOf(unitId: string): Promise<UnitExit>
}

export function startLauncher(
  changes: Partial<LauncherDependencies> = {},
  options: Partial<LauncherOptions> = {},
): Started {
  const root = changes.root ?? join(temporaryDirectory(), 'units')
  const exits = new Map<string, PromiseWithResolvers<UnitExit>>()
  const exitFor = (unitId: string): PromiseWithResolvers<UnitExit> => {
    const known = exits.get(unitId) ?? Promise.withResolvers<UnitExit>()
    exits.set(unitId, known)
    return known
  }
  const launcher = new LocalLauncher(
    {
      self: NODE,
      root,
      log: quiet,
      fetchInput: () => Promise.reject(new Error('no inputs here')),
      onExit: (unitId, exit) => exitFor(unitId).resolve(exit),
      ...changes,
    },
    { graceMs: 300, outputBytesMax: 1024 * 1024, ...options },
  )
  onTestFinished(() => launcher.close())
  return { launcher, root, exitOf: (unitId) => exitFor(unitId).promise }
}

/** Starts a unit and waits for its end. */
export async function run(started: Started, order: UnitOrder): Promise<UnitExit> {
  await started.launcher.start(order)
  return started.exitOf(order.unitId)
}
