import { pick, shuffle } from '../../../overlay/index.ts'
import { findNonlinearizable } from './linearizability.ts'
import { GroupRun, type NoteClient, type Plants } from './group-run.ts'
import { noteModel, type NoteInput } from './notes.ts'

/** One short life of a group under everything that can happen to it. */

const STORM_MS = 2_500
const FAULTS_COUNT = 12
const OPERATIONS_EACH = 8
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
  const chance = (of: number): boolean => run.rng.below(of) === 0
  const run = new GroupRun({
    seed,
    machineCount: 5,
    memberCount: seed % 3 === 0 ? 5 : 3,
    clientCount: 3,
    lossShare: seed % 2 === 0 ? 0.05 : 0,
    duplicateShare: seed % 5 === 0 ? 0.2 : 0.02,
    replay: `node scripts/replica-seeds.ts --from ${seed} --seeds 1`,
    plants,
  })
  const { sim } = run
  await sim.run(200 + run.rng.below(400))
  const done = run.clients.map((client, index) => operateOn(run, client, index))
  for (let fault = 0; fault < FAULTS_COUNT; fault++) sim.act(run.rng.below(STORM_MS), () => oneFault(run))
  if (chance(3)) sim.act(run.rng.below(STORM_MS), () => loseOneDisk(run))
  await sim.run(STORM_MS)
  calm(run)
  let settled = false
  void Promise.all(done).then(() => (settled = true))
  await sim.until(() => settled, CALM_MS)
  sim.demand('every operation ends', settled, 'a client still waits')
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

/** Two commands of a client are under way at once, now and then. */
async function operateOn(run: GroupRun, client: NoteClient, index: number): Promise<void> {
  let count = 0
  const lane = async (name: string): Promise<void> => {
    for (let left = OPERATIONS_EACH; left > 0; left--) {
      const key = pick(KEYS, run.rng)!
      const text = `${name}${count++} `
      const kind = run.rng.below(5)
      const input: NoteInput =
        kind < 2 ? { type: 'read', key } : kind < 4 ? { type: 'append', key, text } : { type: 'put', key, text }
      await run.operate(client, input, 300 + run.rng.below(1_500))
    }
  }
  await Promise.all([lane(`${index}x`), lane(`${index}y`)])
}

function oneFault(run: GroupRun): void {
  const { sim, rng } = run
  const { network } = sim
  const leader = run.leader
  const victim = leader && rng.below(2) === 0 ? leader : pick(run.machines, rng)!
  const forMs = 50 + rng.below(700)
  const ids = run.machines.map(({ id }) => id)
  const kind = rng.below(14)
  if (kind < 4) {
    run.crash(victim)
    sim.act(forMs, () => run.restart(victim))
  } else if (kind === 4) {
    for (const machine of run.machines) run.crash(machine)
    for (const machine of run.machines) sim.act(rng.below(forMs), () => run.restart(machine))
  } else if (kind < 7) {
    network.partition([ids.filter(() => rng.below(2) === 0)], { oneWay: kind === 6 })
    sim.act(forMs, () => network.heal())
  } else if (kind === 7) {
    const other = pick(
      ids.filter((id) => id !== victim.id),
      rng,
    )!
    network.cut(victim.id, other)
    sim.act(forMs, () => network.mend(victim.id, other))
  } else if (kind === 8) {
    run.pause(victim, rng.below(2) === 0 ? 'held' : 'lost', forMs)
  } else if (kind === 9) sim.jumpWall(victim.id, rng.below(7_200_000) - 3_600_000)
  else if (kind === 10) {
    victim.syncMs = 5 + rng.below(400)
    sim.act(forMs, () => (victim.syncMs = 1))
  } else if (kind === 11) {
    network.slow(victim.id, 5 + rng.below(20))
    sim.act(forMs, () => network.slow(victim.id, 1))
  } else if (kind === 12) changeMembers(run)
  else run.handOver(pick(ids, rng)!)
}

function changeMembers(run: GroupRun): void {
  const { rng } = run
  const peer = pick(run.machines, rng)!.id
  // At least three seats stay, so that one lost disk does not end the group.
  const seats = run.leader && run.status(run.leader)?.configuration.voters.length
  const action = rng.below(2) === 0 || (seats ?? 0) <= 3 ? 'add' : 'remove'
  run.change(action, peer)
}

function loseOneDisk(run: GroupRun): void {
  const victim = pick(run.machines, run.rng)!
  run.loseDisk(victim)
  run.sim.act(run.rng.below(500), () => run.restart(victim))
}

function calm(run: GroupRun): void {
  const { sim } = run
  sim.network.heal()
  sim.network.lossShare = 0
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
      const voters = configuration.voters.map(({ peer }) => peer.slice(-4))
      const learners = configuration.learners.map((peer) => peer.slice(-4))
      return `  ${machine.id.slice(-4)}: ${role} of ${term}, led by ${leader.slice(-4)}, ${appliedIndex} of ${commitIndex} of ${lastIndex}, voters ${voters.join(' ')}, learners ${learners.join(' ')}`
    })
    .join('\n')
}
