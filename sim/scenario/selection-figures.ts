import type { Simulation } from '../engine/index.ts'
import { mean, quantile, variation } from '../metrics/index.ts'
import type { DiscoveryGrid } from './grid.ts'
import { isSatisfied, judged, type Questions } from './questions.ts'
import type { Section } from './scenario.ts'
import { Series } from './series.ts'
import { TrafficGauge } from './traffic.ts'

/** The figures of selection: what questions cost and how good their answers were, and what it takes to be ready for them. */
export class SelectionFigures {
  readonly #grid: DiscoveryGrid
  readonly #questions: Questions
  readonly #gauge: TrafficGauge
  /** Questions that each node had answered before, by its number. */
  readonly #answeredBefore = new Map<number, number>()
  /** Of each cycle: bytes that a node sent, and how many were up. */
  readonly #cycles: { readonly bytesPerNode: number; readonly up: number; readonly statesP50: number }[] = []

  constructor(simulation: Simulation, grid: DiscoveryGrid, questions: Questions) {
    this.#grid = grid
    this.#questions = questions
    this.#gauge = new TrafficGauge(simulation, 'selection')
    for (const index of grid.up) this.#answeredBefore.set(index, answeredBy(grid, index))
  }

  /** To be called at the end of each cycle. */
  measure(): void {
    const { upCount } = this.#grid
    const bytesPerNode = upCount === 0 ? 0 : this.#gauge.take() / upCount
    this.#cycles.push({ bytesPerNode, up: upCount, statesP50: quantile(this.#states(), 0.5) })
  }

  /** After the last question has its answer. */
  get section(): Section {
    const states = this.#states()
    const loads = this.#grid.up.map((index) => answeredBy(this.#grid, index) - (this.#answeredBefore.get(index) ?? 0))
    return {
      ...judged(this.#questions.outcomes),
      askersLost: this.#questions.lostCount,
      bytesPerNodePerCycle: mean(this.#cycles.map(({ bytesPerNode }) => bytesPerNode)),
      stateDescriptors: { p50: quantile(states, 0.5), max: quantile(states, 1) },
      loadCv: variation(loads),
      loadCvChance: mean(loads) === 0 ? 0 : 1 / Math.sqrt(mean(loads)),
      groupings: this.#groupings(),
      series: this.#series(),
    }
  }

  #states(): number[] {
    return this.#grid.up.map((index) => this.#grid.discoveryAt(index).selectionState.descriptorCount)
  }

  #groupings(): string {
    const [first] = this.#grid.up
    if (first === undefined) return ''
    const { groupings } = this.#grid.discoveryAt(first).selectionState
    return groupings.map((attributes) => attributes.join('+')).join(' ')
  }

  /** Questions stand in the cycle in which they were asked. */
  #series(): Section['series'] {
    const series = new Series()
    for (const [at, { bytesPerNode, up, statesP50 }] of this.#cycles.entries()) {
      const outcomes = this.#questions.outcomes.filter(({ cycle }) => cycle === at + 1)
      const { contacts, recall, recallSettled } = judged(outcomes)
      series.add(at + 1, {
        up,
        queries: outcomes.length,
        contactsMean: outcomes.length === 0 ? null : contacts.mean,
        recall,
        recallSettled,
        satisfied: outcomes.length === 0 ? null : outcomes.filter(isSatisfied).length / outcomes.length,
        wrong: outcomes.reduce((sum, { wrongCount }) => sum + wrongCount, 0),
        bytesPerNodePerCycle: bytesPerNode,
        stateDescriptorsP50: statesP50,
      })
    }
    return series.document
  }
}

function answeredBy(grid: DiscoveryGrid, index: number): number {
  return grid.discoveryAt(index).selectionState.answeredCount
}
