import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Metrics } from '../../overlay/contract/index.ts'

/** The node's metrics in Prometheus text (exposition format 0.0.4). Names begin with `roost_`, those of a plugin with its name. */
export class MetricsRegistry {
  readonly #registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.#registry, prefix: 'roost_' })
  }

  async render(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  /** Metrics under a prefix, and how to take them away again. */
  section(prefix: string): { metrics: Metrics; remove(): void } {
    const names: string[] = []
    const full = (name: string): string => {
      const metric = `roost_${prefix}_${name}`.replaceAll('-', '_')
      names.push(metric)
      return metric
    }
    const metrics: Metrics = {
      counter: (name, help) => {
        const counter = new Counter({ name: full(name), help, registers: [this.#registry] })
        return { add: (count = 1) => counter.inc(count) }
      },
      gauge: (name, help, read) => {
        const gauge: Gauge = new Gauge({
          name: full(name),
          help,
          registers: [this.#registry],
          collect: () => gauge.set(read()),
        })
      },
    }
    return { metrics, remove: () => names.forEach((name) => this.#registry.removeSingleMetric(name)) }
  }
}
