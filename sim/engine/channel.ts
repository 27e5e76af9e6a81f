import type { ProtocolEnv } from './protocol-env.ts'
import { Meter } from './traffic.ts'

/** One wire id, throughout the simulation. */
export class Channel {
  readonly wireId: string
  /** A small number for the wire id, the same on every node. */
  readonly number: number
  /** By node: the state machine that is mounted there. */
  readonly desks: (ProtocolEnv | undefined)[]
  /** What set out on it. */
  readonly meter = new Meter()

  constructor(wireId: string, number: number, nodesCount: number) {
    this.wireId = wireId
    this.number = number
    this.desks = Array.from({ length: nodesCount }, () => undefined)
  }
}
