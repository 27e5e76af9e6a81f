import type { Protocol } from '../../overlay/env/index.ts'
import type { ProtocolEnv } from './protocol-env.ts'
import { Meter } from './traffic.ts'

/** One wire id, throughout the simulation. */
export class Channel {
  readonly wireId: string
  /** A small number for the wire id, the same on every node. */
  readonly number: number
  /** By node: the state machine that is mounted there. */
  readonly desks: (ProtocolEnv | undefined)[]
  /** The same by node, where it is: beside each other, since it is looked up for every event. */
  readonly protocols: (Protocol<unknown, unknown, unknown> | undefined)[]
  /** What set out on it. */
  readonly meter = new Meter()

  constructor(wireId: string, number: number, nodesCount: number) {
    this.wireId = wireId
    this.number = number
    this.desks = Array.from({ length: nodesCount }, () => undefined)
    this.protocols = this.desks.map(() => undefined)
  }

  mount(index: number, env: ProtocolEnv | undefined): void {
    this.desks[index] = env
    this.protocols[index] = env?.protocol
  }
}
