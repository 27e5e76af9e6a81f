import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Metrics } from '../../overlay/contract/index.ts'

/** How often the delay of the event loop is sampled: the default of 10 ms wakes an idle process a hundred times a second. */
const LAG_SAMPLE_MS = 100

/** The node's metrics in Prometheus text (exposition format 0.0.4). Names begin with `roost_`, those of a plugin with its name. */
export class MetricsRegistry {
  readonly #registry = new Registry()
  readonly #sources: { readonly prefix: string; readonly read: () => Readonly<Record<string, number>> }[] = []

  constructor() {
    collectDefaultMetrics({ register: this.#registry, prefix: 'roost_', eventLoopMonitoringPrecision: LAG_SAMPLE_MS })
  }

  async render(): Promise<{ contentType: string; text: string }> {
    for (const { prefix, read } of this.#sources)
      for (const [name, value] of Object.entries(read())) this.#gauge(metricName(prefix, name)).set(value)
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  /** Numbers by name, read whenever somebody looks; names may come as they are first counted. */
  addSource(prefix: string, read: () => Readonly<Record<string, number>>): void {
    this.#sources.push({ prefix, read })
  }

  /** Metrics under a prefix, and how to take them away again. */
  section(prefix: string): { metrics: Metrics; remove(): void } {
    const names: string[] = []
    const full = (name: string): string => {
      const metric = metricName(prefix, name)
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

  #gauge(name: string): Gauge {
    const known = this.#registry.getSingleMetric(name)
    return known instanceof Gauge
      ? known
      : new Gauge({ name, help: name.replaceAll('_', ' '), registers: [this.#registry] })
  }
}

function metricName(prefix: string, name: string): string {
  return `roost_${prefix}_${name}`.replaceAll('-', '_')
}
