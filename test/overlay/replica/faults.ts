import { pick, type PeerId } from '../../../overlay/index.ts'
import type { ReplicaOptions } from '../../../overlay/replica/index.ts'
import { GROUP, type GroupRun, type Machine } from './group-run.ts'

/** Something that happens to a group, and is over after a while. */
type Fault = (run: GroupRun, victim: Machine, forMs: number) => void

const FAULTS = {
  crash(run, victim, forMs) {
    run.crash(victim)
    run.sim.act(forMs, () => run.restart(victim))
  },
  blink(run, victim) {
    run.crash(victim)
    run.sim.act(run.rng.below(25), () => run.restart(victim))
  },
  flick(run, victim) {
    run.crash(victim)
    run.sim.act(run.rng.below(4), () => run.restart(victim))
  },
  blinkAll(run) {
    for (const machine of run.machines) FAULTS.blink(run, machine)
  },
  powerCut(run, _victim, forMs) {
    for (const machine of run.machines) run.crash(machine)
    for (const machine of run.machines) run.sim.act(run.rng.below(forMs), () => run.restart(machine))
  },
  /** Clients stand on a side of their own, or with those that no side names. */
  partition(run, _victim, forMs) {
    const { network } = run.sim
    network.partition([someOf(run)], { oneWay: run.rng.below(3) === 0 })
    run.sim.act(forMs, () => network.heal())
  },
  /** Members are split; clients reach both sides. */
  split(run, _victim, forMs) {
    splitOff(run, new Set(someOf(run)), forMs)
  },
  isolate(run, victim, forMs) {
    splitOff(run, new Set([victim.id]), forMs)
  },
  cut(run, victim, forMs) {
    const other = pick(run.machines, run.rng)!
    if (other !== victim) cutFor(run, victim.id, other.id, forMs)
  },
  pause(run, victim, forMs) {
    run.pause(victim, run.rng.below(2) === 0 ? 'held' : 'lost', forMs)
  },
  jump(run, victim) {
    run.sim.jumpWall(victim.id, run.rng.below(7_200_000) - 3_600_000)
  },
  slowDisk(run, victim, forMs) {
    victim.syncMs = 5 + run.rng.below(400)
    run.sim.act(forMs, () => (victim.syncMs = 1))
  },
  slowLink(run, victim, forMs) {
    run.sim.network.slow(victim.id, 5 + run.rng.below(20))
    run.sim.act(forMs, () => run.sim.network.slow(victim.id, 1))
  },
  addMember(run) {
    run.change('add', pick(run.machines, run.rng)!.id)
  },
  removeMember(run) {
    if (seatsOf(run) > 3 && !run.hasLostDisk && run.changesOpen === 0)
      run.change('remove', pick(run.machines, run.rng)!.id)
  },
  /** What the victim says is not heard any more; it hears all. */
  muffle(run, victim, forMs) {
    for (const { id } of run.machines) if (id !== victim.id) cutFor(run, victim.id, id, forMs)
  },
  removeSeveral(run) {
    for (const { id } of run.machines) if (run.rng.below(2) === 0) run.change('remove', id)
  },
  /** Alone, and asked to go on without the others. */
  usurp(run, victim, forMs) {
    splitOff(run, new Set([victim.id]), forMs)
    for (const { id } of run.machines) if (id !== victim.id) run.change('remove', id)
  },
  addSeveral(run) {
    for (const { id } of run.machines) run.change('add', id)
  },
  handOver(run) {
    run.handOver(pick(run.machines, run.rng)!.id)
  },
  /** One of at least three, and they stay three: more would end the group for good. */
  loseDisk(run, victim, forMs) {
    if (seatsOf(run) < 3 || run.hasLostDisk || run.changesOpen > 0) return
    run.hasLostDisk = true
    run.loseDisk(victim)
    run.sim.act(forMs, () => run.restart(victim))
  },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

/** What a run is most about. */
export interface Profile {
  readonly name: string
  readonly memberCount: number
  readonly faultsCount: number
  /** One in so many hits the leader of the moment. */
  readonly leaderOneIn: number
  readonly faults: readonly FaultName[]
  /** What may befall every new leader, soon after it leads. */
  readonly leaderFaults?: readonly FaultName[]
  /** And every candidate, and every voter. */
  readonly candidateFaults?: readonly FaultName[]
  readonly voterFaults?: readonly FaultName[]
  readonly latencyMsMax?: number
  /** How long a fault lasts at most, by default 750 ms. */
  readonly faultMsMax?: number
  /** All clocks and disks go alike. */
  readonly isInStep?: boolean
  readonly options?: Partial<ReplicaOptions>
}

export const PROFILES = [
  {
    name: 'everything, three members',
    memberCount: 3,
    faultsCount: 12,
    leaderOneIn: 2,
    faults: [
      ...(['crash', 'crash', 'blink', 'powerCut', 'powerCut', 'partition', 'split', 'cut', 'pause', 'jump'] as const),
      ...(['slowDisk', 'slowLink', 'addMember', 'removeMember', 'handOver', 'loseDisk', 'loseDisk'] as const),
    ],
  },
  {
    name: 'everything, five members',
    memberCount: 5,
    faultsCount: 14,
    leaderOneIn: 2,
    faults: [
      ...(['crash', 'crash', 'blink', 'powerCut', 'powerCut', 'partition', 'split', 'cut', 'pause', 'jump'] as const),
      ...(['slowDisk', 'slowLink', 'addMember', 'removeMember', 'handOver', 'loseDisk', 'loseDisk'] as const),
    ],
  },
  {
    name: 'leaders that are cut off while clients reach them',
    memberCount: 3,
    faultsCount: 10,
    leaderOneIn: 1,
    faults: ['isolate', 'isolate', 'isolate', 'pause', 'handOver'],
    faultMsMax: 1_000,
    options: { electionMsMax: 1_000 },
  },
  {
    name: 'leaders that come and go, entries one by one',
    memberCount: 5,
    faultsCount: 6,
    leaderOneIn: 2,
    faults: ['isolate', 'isolate', 'slowLink'],
    leaderFaults: ['isolate', 'isolate', 'isolate', 'crash'],
    candidateFaults: ['muffle'],
    faultMsMax: 120,
    options: { appendWeightMax: 1, windowCount: 1, electionMsMin: 60, electionMsMax: 120, heartbeatMs: 20 },
  },
  {
    name: 'many candidates at once',
    memberCount: 3,
    faultsCount: 14,
    leaderOneIn: 1,
    faults: ['blinkAll', 'blinkAll', 'blinkAll', 'slowLink'],
    candidateFaults: ['muffle'],
    voterFaults: ['flick'],
    latencyMsMax: 90,
    isInStep: true,
    options: { electionMsMin: 100, electionMsMax: 130, heartbeatMs: 40 },
  },
  {
    name: 'members come and go',
    memberCount: 4,
    faultsCount: 20,
    leaderOneIn: 1,
    faults: ['removeSeveral', 'addSeveral', 'usurp', 'split', 'split', 'crash'],
    leaderFaults: ['usurp', 'split', 'blink'],
    faultMsMax: 400,
  },
] as const satisfies readonly Profile[]

export type ProfileName = (typeof PROFILES)[number]['name']

export function profileOf(seed: number): Profile {
  return PROFILES[seed % PROFILES.length]!
}

export function strike(run: GroupRun, profile: Profile): void {
  const { faults, leaderOneIn } = profile
  const { rng } = run
  const victim = (rng.below(leaderOneIn) === 0 && run.leader) || pick(run.machines, rng)!
  befall(run, profile, pick(faults, rng)!, victim)
}

const SOON_MS = { leader: 40, candidate: 8, voter: 2 } as const

/** Every other new leader and candidate, and every voter, gets into trouble soon after it became one. */
export function haunt(run: GroupRun, profile: Profile, victim: Machine, as: 'leader' | 'candidate' | 'voter'): void {
  const { rng, sim } = run
  const faults = profile[`${as}Faults`]
  if (faults === undefined || (as !== 'voter' && rng.below(2) === 0)) return
  const name = pick(faults, rng)!
  sim.act(rng.below(SOON_MS[as]), () => befall(run, profile, name, victim))
}

function befall(run: GroupRun, { faultMsMax = 750 }: Profile, name: FaultName, victim: Machine): void {
  const fault: Fault = FAULTS[name]
  fault(run, victim, 50 + run.rng.below(faultMsMax - 50))
}

/** Of the configuration that is committed, as far as the leader knows. */
function seatsOf(run: GroupRun): number {
  const core = run.leader?.replicas?.replica(GROUP)?.core
  if (core === undefined || core.log.configurationIndex > core.commitIndex) return 0
  return core.log.configuration.voters.length
}

function someOf(run: GroupRun): PeerId[] {
  return run.machines.map(({ id }) => id).filter(() => run.rng.below(2) === 0)
}

function splitOff(run: GroupRun, side: ReadonlySet<PeerId>, forMs: number): void {
  for (const { id } of run.machines)
    for (const { id: other } of run.machines) if (side.has(id) !== side.has(other)) cutFor(run, id, other, forMs)
}

function cutFor(run: GroupRun, from: PeerId, to: PeerId, forMs: number): void {
  const { network } = run.sim
  network.cut(from, to)
  run.sim.act(forMs, () => network.mend(from, to))
}
