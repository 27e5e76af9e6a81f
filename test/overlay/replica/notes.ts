import { shape } from '../../../overlay/index.ts'
import { SnapshotTable, type ApplyContext, type Given, type ReplicatedService } from '../../../overlay/replica/index.ts'
import type { Model } from '../../../sim/history/index.ts'

/** A service for tests: texts by key, put or appended to. What is answered to an append shows whether it was applied twice. */
export type NoteCommand =
  | { readonly type: 'put'; readonly key: string; readonly text: string }
  | { readonly type: 'append'; readonly key: string; readonly text: string }
export interface NoteQuery {
  readonly key: string
}
export type NoteInput = NoteCommand | (NoteQuery & { readonly type: 'read' })

const text = shape.text(4_096)

export class Notes implements ReplicatedService<NoteCommand, string, NoteQuery> {
  readonly command = shape.union({
    put: shape.record({ key: text, text }),
    append: shape.record({ key: text, text }),
  }) as shape.Shape<NoteCommand>
  readonly query = (value: unknown): NoteQuery => shape.record({ key: text })(value, 'query')
  readonly #notes = new SnapshotTable(text)

  onApply: (command: NoteCommand, context: ApplyContext) => void = () => undefined

  apply(command: NoteCommand, context: ApplyContext): string {
    this.onApply(command, context)
    const { type, key, text: added } = command
    const changed = type === 'put' ? added : (this.#notes.get(key) ?? '') + added
    this.#notes.set(key, changed)
    return changed
  }

  read({ key }: NoteQuery): string {
    return this.#notes.get(key) ?? ''
  }

  /** One row a chunk, so that even little state is many chunks. */
  *snapshot(): Generator<Given> {
    for (const rows of this.#notes.snapshot()) for (const row of rows as Given[]) yield [row]
  }

  restore(): (chunk: Given) => void {
    return this.#notes.restore()
  }

  get state(): string {
    return JSON.stringify([...this.#notes.entries()])
  }
}

export const noteModel: Model<string, NoteInput, string> = {
  initial: '',
  step(state, input, output) {
    const after = input.type === 'read' ? state : input.type === 'put' ? input.text : state + input.text
    return output === undefined || output === after ? after : undefined
  },
}
