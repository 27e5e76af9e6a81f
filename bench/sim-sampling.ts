// How fast, and how small, is the daemon's sampling in the simulator?
//
// Baseline: PeerSim 1.0.5 on a machine like CI's, view 20, shuffle 8: its event engine gets through 1.9 million events a CPU second at
// 10,000 nodes and 1.0 million at 100,000 (events are timers and messages); its cycle engine with Cyclon takes 0.12 s of CPU a cycle at
// 100,000 nodes, and 2.0 s at a million in 380 MB. `--quick` runs a small grid for a moment, to see that the bench still runs; `--nodes N`
// one size; `--cycles C` and `--seed S` set the rest.

import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { SAMPLING_DEFAULTS } from '../overlay/sampling/index.ts'
import { Simulation, uniformLatency } from '../sim/engine/index.ts'
import { SamplingGrid } from '../sim/grid/index.ts'
import { commit } from './support/report.ts'

const PEERSIM_EVENTS_PER_CPU_SECOND: Readonly<Record<number, number>> = { 10_000: 1.9e6, 100_000: 1.0e6 }
const PEERSIM_CYCLE_CPU_SECONDS: Readonly<Record<number, number>> = { 100_000: 0.12, 1_000_000: 2.0 }
/** A grid of more needs more memory than the bench's figures are for. */
const NODES_MAX = 1_000_000
const WARM_UP_CYCLES = 5
/** In larger grids a node's reserve, which only grows until it is full, is as small as that: the bytes a node are those of an early reserve. */
const LARGE_NODES_COUNT = 200_000
const LARGE_RESERVE_COUNT_MAX = 16

async function measure(nodesCount: number, cyclesCount: number, seed: number): Promise<void> {
  const baseBytes = process.memoryUsage().rss
  const simulation = new Simulation({ seed, latency: uniformLatency({ minMs: 20, maxMs: 200 }) })
  const sampling = nodesCount > LARGE_NODES_COUNT ? { reserveCountMax: LARGE_RESERVE_COUNT_MAX } : {}
  const grid = new SamplingGrid(simulation, { nodesCount, sampling })
  await simulation.run(WARM_UP_CYCLES * grid.cycleMs)
  const eventRates: number[] = []
  const cycleSeconds: number[] = []
  for (let cycle = 0; cycle < cyclesCount; cycle++) {
    const eventsBefore = simulation.counts.events
    const before = process.cpuUsage()
    await simulation.run(grid.cycleMs)
    const { user, system } = process.cpuUsage(before)
    cycleSeconds.push((user + system) / 1e6)
    eventRates.push((simulation.counts.events - eventsBefore) / cycleSeconds.at(-1)!)
  }
  const median = quantile(cycleSeconds, 0.5)
  console.log(
    [
      `nodes ${nodesCount}`,
      `node-cycles/cpu-s median ${million(nodesCount / median)}`,
      `events/cpu-s median ${million(quantile(eventRates, 0.5))} p5 ${million(quantile(eventRates, 0.05))}`,
      `PeerSim ${million(PEERSIM_EVENTS_PER_CPU_SECOND[nodesCount])}`,
      `cpu-s/cycle median ${median.toFixed(3)} p95 ${quantile(cycleSeconds, 0.95).toFixed(3)}`,
      `PeerSim ${PEERSIM_CYCLE_CPU_SECONDS[nodesCount]?.toFixed(2) ?? '-'}`,
      `bytes/node ${Math.round((process.memoryUsage().rss - baseBytes) / nodesCount)}`,
      `trace ${simulation.traceHash}`,
    ].join('  '),
  )
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.round((sorted.length - 1) * share)]!
}

function million(value: number | undefined): string {
  return value === undefined ? '-' : `${(value / 1e6).toFixed(2)}M`
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    nodes: { type: 'string' },
    cycles: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})
const sizes =
  values.nodes !== undefined ? [Math.min(Number(values.nodes), NODES_MAX)] : values.quick ? [2_000] : [10_000, 100_000]
const cyclesCount = Number(values.cycles ?? (values.quick ? 5 : 30))
const { viewSize, shuffleSize } = SAMPLING_DEFAULTS
console.log(
  `sim-sampling: view ${viewSize}, shuffle ${shuffleSize}, ${cyclesCount} cycles after ${WARM_UP_CYCLES}, seed ${values.seed}; ` +
    `${cpus()[0]?.model ?? 'unknown cpu'} under load ${loadavg()[0]!.toFixed(1)}, node ${process.version}, commit ${commit()}`,
)
for (const nodesCount of sizes) await measure(nodesCount, cyclesCount, Number(values.seed))
