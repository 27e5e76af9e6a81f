import type { Discovery } from '../../overlay/discovery/index.ts'
import type { PeerId } from '../../overlay/env/index.ts'
import type { Simulation } from '../engine/index.ts'
import { quantile } from '../metrics/index.ts'
import { CYCLE_MS } from './cycles.ts'
import type { DiscoveryGrid } from './grid.ts'
import type { Section } from './scenario.ts'
import { Series } from './series.ts'
import { TrafficGauge } from './traffic.ts'

/** Nodes whose word on others is listened to; of larger grids every so-manyth. */
const WATCHER_COUNT_MAX = 5_000

/**
 * The figures of membership: how long after a node has gone those that watch it take it for dead, each of them counted, and how
 * often they take one for dead that is up.
 */
export class MembershipFigures {
  readonly series = new Series()
  readonly #simulation: Simulation
  readonly #stride: number
  #grid: DiscoveryGrid | undefined
  #gauge: TrafficGauge | undefined
  readonly #detectMs: number[] = []
  #cycleDetectMs: number[] = []
  #falseCount = 0
  #cycleFalseCount = 0
  #bytes = 0
  #nodeSeconds = 0

  constructor(simulation: Simulation, nodesCount: number) {
    this.#simulation = simulation
    this.#stride = Math.ceil(nodesCount / WATCHER_COUNT_MAX)
  }

  /** To be called with each node at each of its starts. */
  watch(index: number, discovery: Discovery): void {
    if (index % this.#stride !== 0) return
    discovery.watch(({ id, state }) => {
      if (state === 'dead') this.#hear(id)
    })
  }

  /** From now on it counts. */
  begin(grid: DiscoveryGrid): void {
    this.#grid = grid
    this.#gauge = new TrafficGauge(this.#simulation, 'membership')
  }

  /** To be called at the end of each cycle, numbered from 1. */
  measure(cycle: number): void {
    const bytes = this.#gauge!.take()
    const nodeSeconds = (this.#grid!.upCount * CYCLE_MS) / 1_000
    this.#bytes += bytes
    this.#nodeSeconds += nodeSeconds
    this.series.add(cycle, {
      up: this.#grid!.upCount,
      detectMsP50: quantileOf(this.#cycleDetectMs, 0.5),
      detectMsP99: quantileOf(this.#cycleDetectMs, 0.99),
      detections: this.#cycleDetectMs.length,
      falsePositives: this.#cycleFalseCount,
      bytesPerNodePerSecond: nodeSeconds === 0 ? 0 : bytes / nodeSeconds,
    })
    this.#cycleDetectMs = []
    this.#cycleFalseCount = 0
  }

  get section(): Section {
    return {
      detections: this.#detectMs.length,
      detectMs: { p50: quantileOf(this.#detectMs, 0.5), p99: quantileOf(this.#detectMs, 0.99) },
      falsePositives: this.#falseCount,
      bytesPerNodePerSecond: this.#nodeSeconds === 0 ? 0 : this.#bytes / this.#nodeSeconds,
      series: this.series.document,
    }
  }

  #hear(id: PeerId): void {
    const grid = this.#grid
    if (grid === undefined) return
    const index = grid.indexOf(id)
    if (grid.isUp(index)) {
      this.#falseCount++
      this.#cycleFalseCount++
    } else {
      const tookMs = this.#simulation.nowMs - grid.sinceMs(index)
      this.#detectMs.push(tookMs)
      this.#cycleDetectMs.push(tookMs)
    }
  }
}

/** Null where nobody died. */
function quantileOf(values: readonly number[], share: number): number | null {
  return values.length === 0 ? null : quantile(values, share)
}
