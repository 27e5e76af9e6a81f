import { quantile } from '../metrics/index.ts'
import { beginChurn, type Comings, startCount } from './comings.ts'
import { runCycles } from './cycles.ts'
import { DiscoveryGrid } from './grid.ts'
import { grow } from './growth.ts'
import { MembershipFigures } from './membership-figures.ts'
import { Questions } from './questions.ts'
import { RECOVERY_CYCLES } from './recovery.ts'
import { SamplingFigures } from './sampling-figures.ts'
import type { Section, Stage } from './scenario.ts'
import { SelectionFigures } from './selection-figures.ts'

export interface RunHooks {
  /** At the beginning of each cycle, from 1. */
  readonly onStart?: (cycle: number) => void
}

/**
 * A grid of whole discoveries that has grown and settled, and then so many cycles of it: nodes come and go, some are killed, questions
 * are asked, all as the settings say, and everything is measured. What else happens is the scenario's.
 */
export class DiscoveryRun {
  readonly grid: DiscoveryGrid
  readonly questions: Questions
  readonly sampling: SamplingFigures
  readonly membership: MembershipFigures
  selection: SelectionFigures | undefined
  readonly #stage: Stage
  readonly #cycles: number

  private constructor(stage: Stage, nodesCount: number) {
    this.#stage = stage
    this.#cycles = stage.settings.cycles!
    this.membership = new MembershipFigures(stage.simulation, nodesCount)
    this.grid = new DiscoveryGrid(stage.simulation, {
      population: stage.settings.population!,
      keepsDisks: stage.settings.churn !== undefined && stage.settings.churn.kind !== 'share',
      onStart: (index, discovery) => this.membership.watch(index, discovery),
    })
    this.questions = new Questions(stage, this.grid)
    this.sampling = new SamplingFigures(stage, () => this.grid.views)
  }

  /** Grows a grid of so many nodes: as many as the stage says, where nothing else is. */
  static async begin(stage: Stage, nodesCount = startCount(stage)): Promise<DiscoveryRun> {
    const run = new DiscoveryRun(stage, nodesCount)
    await grow(stage, run.grid, nodesCount, { ...GROWTH, isSettled: settlingOf(run.grid) })
    return run
  }

  /** Plays the cycles, and waits for the last answers. */
  async play({ onStart }: RunHooks = {}): Promise<void> {
    const { grid } = this
    const { simulation, settings } = this.#stage
    const comings: Comings = beginChurn(this.#stage, grid, this.#cycles)
    const askFor = this.questions.planFor(this.#cycles)
    const selection = (this.selection = new SelectionFigures(simulation, grid, this.questions))
    this.membership.begin(grid)
    await runCycles(this.#stage, {
      count: this.#cycles,
      what: `${grid.upCount} nodes`,
      onStart: (cycle) => {
        if (cycle === settings.kill?.cycle) this.#kill(settings.kill.share)
        askFor(cycle)
        onStart?.(cycle)
      },
      onPiece: () => comings.onPiece(),
      onEnd: (cycle) => {
        this.sampling.measure(cycle)
        this.membership.measure(cycle)
        selection.measure()
        this.questions.demandSound()
      },
    })
    await this.questions.finish()
    this.#demandRecovered()
  }

  /** All nodes that are up are in one connected part. */
  demandWhole(): void {
    const components = this.sampling.series.last('components')!
    this.#stage.simulation.demand('the grid is one', components === 1, `it is in ${components} parts`)
  }

  get selectionSection(): Section {
    return this.selection!.section
  }

  #kill(share: number): void {
    const killedCount = this.grid.kill(share)
    this.#stage.progress(`${killedCount} nodes die, ${this.grid.upCount} are left`)
  }

  /** Half of all nodes vanishing at once leaves one connected grid that answers queries. */
  #demandRecovered(): void {
    const { kill } = this.#stage.settings
    const recovered = (kill?.cycle ?? 0) + RECOVERY_CYCLES
    if (kill === undefined || kill.share > 0.5 || recovered > this.#cycles) return
    this.demandWhole()
    const empty = this.questions.outcomes.find(
      ({ cycle, rightCount, settledCount }) => cycle >= recovered && settledCount > 0 && rightCount === 0,
    )
    const words = `nobody of ${empty?.settledCount} is found for ${empty?.question.where}`
    this.#stage.simulation.demand('the grid answers queries', empty === undefined, words)
  }
}

/** As much as a grid that people join on their own. */
const GROWTH = { growthShare: 0.3, settleCycles: 12 }

/** Tables of which the median is looked at, and how much it may have changed since cycles ago, once they are full. */
const TABLE_COUNT = 64
const TABLE_CHANGE_MAX = 0.01
const TABLE_CYCLES = 8

/** Says after each cycle whether tables have stopped to grow: new layouts are agreed upon and filled in tens of seconds. */
function settlingOf(grid: DiscoveryGrid): () => boolean {
  const medians: number[] = []
  return () => {
    const counts = grid.up.slice(0, TABLE_COUNT).map((index) => grid.discoveryAt(index).selectionState.descriptorCount)
    const now = quantile(counts, 0.5)
    medians.push(now)
    const before = medians.at(-1 - TABLE_CYCLES)
    return before !== undefined && Math.abs(now - before) <= TABLE_CHANGE_MAX * now
  }
}
