import type { Rng } from '../../overlay/env/index.ts'
import { type AttackedViews, measureShape, measureViews, type ViewFigures } from '../metrics/index.ts'
import type { Section } from './scenario.ts'
import { Series } from './series.ts'

/** In large grids clustering and paths take longer than the cycles between: they are looked at so often in a run. */
const SHAPE_COUNT = 20
/** Up to so many nodes they are looked at in each cycle. */
const SHAPE_NODES_MAX = 2_000

/** The figures of sampling: of the views of all nodes, as a graph, in each cycle and at the end. */
export class SamplingFigures {
  readonly series = new Series()
  readonly #views: () => AttackedViews
  readonly #cycles: number
  readonly #samples: Rng

  constructor(views: () => AttackedViews, options: { readonly cycles: number; readonly samples: Rng }) {
    this.#views = views
    this.#cycles = options.cycles
    this.#samples = options.samples
  }

  /** To be called at the end of each cycle, numbered from 1. */
  measure(cycle: number): ViewFigures {
    const views = this.#views()
    const figures = measureViews(views)
    const everyCycles = views.nodesCount <= SHAPE_NODES_MAX ? 1 : Math.ceil(this.#cycles / SHAPE_COUNT)
    const isLast = cycle === this.#cycles
    const shape = isLast || cycle % everyCycles === 0 ? measureShape(views, this.#samples) : {}
    this.series.add(cycle, { ...figures, ...shape })
    return figures
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
