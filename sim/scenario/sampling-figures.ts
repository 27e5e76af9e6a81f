import { type AttackedViews, measureShape, measureViews } from '../metrics/index.ts'
import type { Section, Stage } from './scenario.ts'
import { Series } from './series.ts'

/** In large grids clustering and paths take longer than the cycles between: they are looked at so often in a run. */
const SHAPE_COUNT = 20
/** Up to so many nodes they are looked at in each cycle. */
const SHAPE_NODES_MAX = 2_000

/** The figures of sampling: of the views of all nodes, as a graph, in each cycle and at the end. */
export class SamplingFigures {
  readonly series = new Series()
  readonly #stage: Stage
  readonly #views: () => AttackedViews
  readonly #cycles: number

  constructor(stage: Stage, views: () => AttackedViews) {
    this.#stage = stage
    this.#views = views
    this.#cycles = stage.settings.cycles!
  }

  /** To be called at the end of each cycle, numbered from 1. Nobody forges a descriptor: whoever is known is a node. */
  measure(cycle: number): void {
    const views = this.#views()
    const { strangers, ...figures } = measureViews(views)
    this.#stage.simulation.demand('whoever is known is a node', strangers === 0, `${strangers} links lead to nobody`)
    const everyCycles = views.nodesCount <= SHAPE_NODES_MAX ? 1 : Math.ceil(this.#cycles / SHAPE_COUNT)
    const isLast = cycle === this.#cycles
    const shape = isLast || cycle % everyCycles === 0 ? measureShape(views, this.#stage.samples) : {}
    this.series.add(cycle, { ...figures, ...shape })
  }

  get section(): Section {
    const last = (name: string): number | null => this.series.last(name) ?? null
    return {
      inDegreeSd: last('inDegreeSd'),
      clustering: last('clustering'),
      clusteringRandom: last('clusteringRandom'),
      pathLength: last('pathLength'),
      deadLinkShare: last('deadLinkShare'),
      components: last('components'),
      outsideLargest: last('outsideLargest'),
      attackerShare: last('attackerShare'),
      eclipsed: last('eclipsed'),
      series: this.series.document,
    }
  }
}
