import { shape } from '../../overlay/env/index.ts'
import { SnapshotTable, type Given, type ReplicatedService } from '../../overlay/replica/index.ts'
import type { Model } from '../history/index.ts'

/** Numbers by name: what the groups of a simulation keep. */
export interface RegisterCommand {
  readonly key: string
  readonly value: number
}
export interface RegisterQuery {
  readonly key: string
}

const key = shape.text(64)

export class Registers implements ReplicatedService<RegisterCommand, number, RegisterQuery> {
  readonly command = shape.record({ key, value: shape.integer() })
  readonly query = shape.record({ key })
  readonly #values = new SnapshotTable(shape.integer())

  apply({ key: name, value }: RegisterCommand): number {
    this.#values.set(name, value)
    return value
  }

  read({ key: name }: RegisterQuery): number {
    return this.#values.get(name) ?? 0
  }

  snapshot(): Iterable<Given> {
    return this.#values.snapshot()
  }

  restore(): (chunk: Given) => void {
    return this.#values.restore()
  }
}

/** What was asked of a register: a value to be set, or none to read it. */
export type RegisterInput = number | 'read'

export const registerModel: Model<number, RegisterInput, number> = {
  initial: 0,
  step(state, input, output) {
    const after = input === 'read' ? state : input
    return output === undefined || output === after ? after : undefined
  },
}
