import { expect, test } from 'vitest'
import { pick, seededRng, type CallEnv, type PeerId, type Rng } from '../../overlay/index.ts'
import { jobWire, parseUnitId, unitIdOf, type JobId, type JobReply, type JobRequest } from '../../aem/protocol/index.ts'
import { JobGrid } from '../aem/protocol/job-grid.ts'
import { ALWAYS, FINALLY } from '../aem/protocol/promises.ts'
import { goldenProtocols } from '../golden/examples.ts'
import { Liar } from './liar.ts'

/**
 * Machines that run jobs, and a node among them that asks them for what is not its to ask: to start, stop, read and report units of
 * others by their true names, to hold cores for nothing, to confirm what no user signed.
 */

const FIXED_SEED = 1
const FRESH_SEED = Number(process.env['ROOST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const JOBS_COUNT = 8
const LIES_COUNT = 2_000
const SIEGE_MS = 60_000
/** Long enough for holds to end, and for what was put off to be tried again. */
const CALM_MS = 300_000

test.each([FIXED_SEED, FRESH_SEED])('jobs end as they would have among lies about them (seed %i)', async (seed) => {
  const grid = new JobGrid({ seed, machineCount: 4, cores: 4 })
  for (const [name, check] of Object.entries(ALWAYS)) grid.sim.invariant(name, () => check(grid), { everyMs: 100 })
  const assailant = addAssailant(grid, seededRng(seed))
  await grid.sim.run(100)
  const { chance } = grid.sim
  const exitCodes = new Map<JobId, number>()
  for (let job = 0; job < JOBS_COUNT; job++)
    grid.sim.act(chance.below(SIEGE_MS / 2), () => {
      const run = `exit ${job} after ${1 + chance.below(5_000)}`
      exitCodes.set(grid.submit(pick(grid.ids, chance)!, { run, nodes: 1 + chance.below(3) }), job)
    })
  for (let lie = 0; lie < LIES_COUNT; lie++)
    grid.sim.act(chance.below(SIEGE_MS), () => assailant.lie([...exitCodes.keys()]))
  await grid.sim.run(SIEGE_MS)
  await grid.sim.run(CALM_MS)

  const broken = Object.entries({ ...ALWAYS, ...FINALLY }).map(([name, check]) => [name, check(grid)])
  expect(broken.filter(([, reason]) => reason !== undefined)).toEqual([])
  // Disks fail now and then in this world, so that some were never taken.
  const taken = [...grid.acknowledged.keys()]
  expect(taken.length).toBeGreaterThan(0)
  expect(taken.map((id) => grid.view(id)?.exitCode)).toEqual(taken.map((id) => exitCodes.get(id)))
  const started = [...grid.machines.values()].flatMap((machine) => machine.started.map(({ unitId }) => unitId))
  expect(started.filter((unitId) => !exitCodes.has(parseUnitId(unitId)!.jobId))).toEqual([])
  // Some of it was answered: what it asked for reached the protocol.
  expect(assailant.replies.has('refused')).toBe(true)
  expect(assailant.replies.get('DENIED') ?? 0).toBeGreaterThan(0)
})

function addAssailant(
  grid: JobGrid,
  rng: Rng,
): { lie(jobIds: readonly JobId[]): void; readonly replies: ReadonlyMap<string, number> } {
  const { examples } = goldenProtocols.find(({ name }) => name === 'aem-1-request')!
  const replies = new Map<string, number>()
  const count = (name: string): void => void replies.set(name, (replies.get(name) ?? 0) + 1)
  let env: CallEnv<JobRequest, JobReply> | undefined
  let liar: Liar | undefined
  grid.sim.addNode({
    mount: (node) => {
      liar = new Liar([node.surroundings], rng)
      env = node.serve(jobWire, { answer: () => ({ type: 'noted' }) })
    },
  })
  const lie = (jobIds: readonly JobId[]): void => {
    for (const id of grid.ids) liar!.peers.add(id)
    const victim: PeerId = pick(grid.ids, rng)!
    const template = pick(Object.values(examples), rng) as object
    const request = liar!.lie({ ...template, ...trueNames(template, jobIds, rng) }, victim)
    env!.call(victim, request as JobRequest, { timeoutMs: 5_000 }).then(
      ({ type }) => count(type),
      ({ code }: { code: string }) => count(code),
    )
  }
  return { lie, replies }
}

/** Names of jobs and units that are there, in place of made up ones. */
function trueNames(template: object, jobIds: readonly JobId[], rng: Rng): object {
  const jobId = pick(jobIds, rng)
  if (jobId === undefined || rng.below(8) === 0) return {}
  const attempt = 1 + rng.below(2)
  const index = rng.below(3)
  return {
    ...('unitId' in template && { unitId: unitIdOf(jobId, attempt, index) }),
    ...('jobId' in template && { jobId, attempt, index }),
  }
}
