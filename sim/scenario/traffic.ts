import type { Simulation } from '../engine/index.ts'

/** Counts the bytes of one protocol from a moment on. */
export class TrafficGauge {
  readonly #simulation: Simulation
  readonly #name: string
  #sinceBytes: number

  /** `name` is the protocol's, as it stands in `/roost/NAME/1`. */
  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation
    this.#name = name
    this.#sinceBytes = this.#bytes()
  }

  /** Bytes since it was asked last. */
  take(): number {
    const bytes = this.#bytes()
    const taken = bytes - this.#sinceBytes
    this.#sinceBytes = bytes
    return taken
  }

  #bytes(): number {
    let bytes = 0
    for (const [wire, traffic] of this.#simulation.traffic())
      if (wire.startsWith(`/roost/${this.#name}/`)) bytes += traffic.bytes
    return bytes
  }
}
