import { pick, shuffle } from '../../../overlay/index.ts'
import { uniformLatency } from '../../../sim/engine/index.ts'
import { haunt, profileOf, strike } from './faults.ts'
import { GroupRun, type NoteClient, type Plants } from './group-run.ts'
import { findNonlinearizable } from '../../../sim/history/index.ts'
import { noteModel, type NoteInput } from './notes.ts'

/** One short life of a group under everything that can happen to it, then calm, in which it has to mend. */

const STORM_MS = 1_800
const OPERATIONS_EACH = 6
const KEYS = ['a', 'b']
/** Long enough for the longest sync, a few split votes and a snapshot. */
const CALM_MS = 30_000

export interface TurmoilReport {
  readonly operationsCount: number
  readonly answeredCount: number
  readonly leadersCount: number
  readonly commitsCount: number
  readonly eventsCount: number
}

/** Rejects with the promise that was broken, and the command that shows it again. */
export async function turmoil(seed: number, plants: Plants = {}): Promise<TurmoilReport> {
  const profile = profileOf(seed)
  const run = new GroupRun({
    seed,
    machineCount: 5,
    memberCount: profile.memberCount,
    clientCount: 3,
    lossShare: seed % 2 === 0 ? 0.05 : 0,
    duplicateShare: seed % 3 === 0 ? 0.2 : 0.02,
    replay: `node scripts/replica-seeds.ts --from ${seed} --seeds 1`,
    passage: seed % 8 === 0 ? 'strict' : 'plain',
    latencyMsMax: profile.latencyMsMax ?? 10,
    options: profile.options ?? {},
    isInStep: profile.isInStep ?? false,
    onRole: (machine, role) => {
      if (!isCalm) haunt(run, profile, machine, role)
    },
    plants,
  })
  let isCalm = false
  const { sim } = run
  await sim.run(200 + run.rng.below(400))
  const operating = Promise.all(run.clients.map((client, index) => operate(run, client, index)))
  for (let left = profile.faultsCount; left > 0; left--) sim.act(run.rng.below(STORM_MS), () => strike(run, profile))
  await sim.run(STORM_MS)
  isCalm = true
  calm(run)
  let isSettled = false
  void operating.then(() => (isSettled = true))
  await sim.until(() => isSettled, CALM_MS)
  sim.demand('every operation ends', isSettled, 'a client still waits')
  const broken = findNonlinearizable(run.history, noteModel)
  sim.demand('linearizability', broken === undefined, broken ?? '')
  const agreed = await sim.until(() => areAlike(run), CALM_MS)
  sim.demand('replicas agree in the end', agreed, `\n${describe(run)}\n`)
  return {
    operationsCount: run.history.length,
    answeredCount: run.history.filter(({ output }) => output !== undefined).length,
    leadersCount: run.safety.leadersCount,
    commitsCount: run.safety.commitsCount,
    eventsCount: sim.counts.events,
  }
}

/** Each client has two operations under way. */
async function operate(run: GroupRun, client: NoteClient, index: number): Promise<void> {
  let count = 0
  const lane = async (name: string): Promise<void> => {
    for (let left = OPERATIONS_EACH; left > 0; left--) {
      const key = pick(KEYS, run.rng)!
      const text = `${name}${count++} `
      const kind = run.rng.below(5)
      const input: NoteInput =
        kind < 2 ? { type: 'read', key } : kind < 4 ? { type: 'append', key, text } : { type: 'put', key, text }
      await run.operate(client, input, 300 + run.rng.below(1_500))
      await run.pauseClient(index, run.rng.below(200))
    }
  }
  await Promise.all([lane(`${index}x`), lane(`${index}y`)])
}

function calm(run: GroupRun): void {
  const { sim } = run
  sim.network.heal()
  sim.network.lossShare = 0
  sim.network.latency = uniformLatency({ minMs: 1, maxMs: 10 })
  for (const machine of shuffle([...run.machines], run.rng)) {
    sim.network.slow(machine.id, 1)
    machine.syncMs = 1
    run.wakeUp(machine)
  }
}

/** Every voter has applied what the leader has, and has come to the same state. */
function areAlike(run: GroupRun): boolean {
  const leader = run.leader
  const status = leader && run.status(leader)
  if (!leader || !status || status.appliedIndex !== status.lastIndex) return false
  const { voters, learners } = status.configuration
  if (learners.length > 0) return false
  return voters.every(({ peer }) => {
    const machine = run.machines.find(({ id }) => id === peer)!
    return run.status(machine)?.appliedIndex === status.appliedIndex && machine.notes?.state === leader.notes?.state
  })
}

function describe(run: GroupRun): string {
  return run.machines
    .map((machine) => {
      const status = run.status(machine)
      if (status === undefined) return `  ${machine.id.slice(-4)}: no replica`
      const { configuration, leader = 'nobody', role, term, commitIndex, appliedIndex, lastIndex } = status
      const voters = configuration.voters.map(({ peer }) => peer.slice(-4)).join(' ')
      const learners = configuration.learners.map((peer) => peer.slice(-4)).join(' ')
      return (
        `  ${machine.id.slice(-4)}: ${role} of ${term}, led by ${leader.slice(-4)}, ` +
        `${appliedIndex} of ${commitIndex} of ${lastIndex}, voters ${voters}, learners ${learners}`
      )
    })
    .join('\n')
}
