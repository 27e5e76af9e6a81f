import type { CallWire, Env, PeerId, Protocol, ProtocolHost, Wire } from '../../overlay/env/index.ts'
import { shape } from '../../overlay/env/index.ts'
import type { EnvWorld, RunningNode } from './env.ts'

/** A protocol that notes what happens to it, and does what a test tells it to. */
export class Probe implements Protocol<Note, number, string> {
  readonly received: { readonly from: PeerId; readonly note: Note; readonly atMs: number }[] = []
  readonly woken: { readonly timer: number; readonly atMs: number }[] = []
  readonly events: string[] = []
  startedCount = 0
  /** How often a handler began while another of this protocol had not ended. */
  reenteredCount = 0
  onReceive: ((note: Note, from: PeerId, env: NoteEnv) => void) | undefined
  onWake: ((timer: number, env: NoteEnv) => void) | undefined
  onEvent: ((event: string) => void) | undefined
  #env: NoteEnv | undefined
  #inHandler = false

  get env(): NoteEnv {
    return this.#env!
  }

  start(env: NoteEnv): void {
    this.#env = env
    this.startedCount++
  }

  receive(from: PeerId, note: Note, env: NoteEnv): void {
    this.#handle(() => {
      this.received.push({ from, note, atMs: env.nowMs })
      this.onReceive?.(note, from, env)
    })
  }

  wake(timer: number, env: NoteEnv): void {
    this.#handle(() => {
      this.woken.push({ timer, atMs: env.nowMs })
      this.onWake?.(timer, env)
    })
  }

  /** Whether a handler is running just now. */
  get busy(): boolean {
    return this.#inHandler
  }

  get texts(): string[] {
    return this.received.map((entry) => entry.note.text)
  }

  #handle(run: () => void): void {
    if (this.#inHandler) this.reenteredCount++
    this.#inHandler = true
    run()
    this.#inHandler = false
  }
}

export interface Note {
  readonly text: string
  readonly count?: number
}
export type NoteEnv = Env<Note, number, string>

export const NOTE_BYTES_MAX = 4_096
const noteShape = shape.record({ text: shape.text(NOTE_BYTES_MAX), count: shape.optional(shape.integer()) })

export const noteWire: Wire<Note> = {
  id: '/roost/test-note/1',
  messageBytesMax: NOTE_BYTES_MAX,
  parse: (value) => noteShape(value, 'note'),
}

/** The same protocol as a peer speaks it that obeys no rules: anything goes in and out. */
export const lawlessWire: Wire<unknown> = { ...noteWire, messageBytesMax: 1_048_576, parse: (value) => value }

/** A node with a probe on it. */
export async function addProbe(world: EnvWorld, also?: (node: ProtocolHost) => void): Promise<RunningProbe> {
  const probe = new Probe()
  const node = await world.addNode((mounting) => {
    mounting.mount(noteWire, probe, (event) => {
      probe.events.push(event)
      probe.onEvent?.(event)
    })
    also?.(mounting)
  })
  return { node, probe, id: node.id }
}

export interface RunningProbe {
  readonly node: RunningNode
  readonly probe: Probe
  readonly id: PeerId
}

/** A node that speaks the probe's protocol, but sends whatever it likes. */
export async function addOutlaw(world: EnvWorld): Promise<{ node: RunningNode; env: Env<unknown, never, never> }> {
  let env: Env<unknown, never, never> | undefined
  const silent: Protocol<unknown, never, never> = { start() {}, receive() {}, wake() {} }
  const node = await world.addNode((mounting) => {
    env = mounting.mount(lawlessWire, silent, () => {})
  })
  return { node, env: env! }
}

/** Sends again and again until it arrives: delivery is best effort in every world. */
export async function deliver(world: EnvWorld, from: NoteEnv, to: RunningProbe, text: string): Promise<void> {
  for (let attempt = 0; attempt < DELIVER_ATTEMPTS_MAX; attempt++) {
    from.send(to.id, { text })
    await world.advance(50)
    if (to.probe.texts.includes(text)) return
  }
  await world.until(() => to.probe.texts.includes(text))
}
const DELIVER_ATTEMPTS_MAX = 20

export interface Question {
  readonly text: string
}
export interface Answer {
  readonly text: string
}
const lineShape = shape.record({ text: shape.text(NOTE_BYTES_MAX) })

export const questionWire: CallWire<Question, Answer> = {
  id: '/roost/test-question/1',
  messageBytesMax: NOTE_BYTES_MAX,
  parseRequest: (value) => lineShape(value, 'question'),
  parseReply: (value) => lineShape(value, 'answer'),
}

/** The same conversation without rules. */
export const lawlessQuestionWire: CallWire<unknown, unknown> = {
  id: questionWire.id,
  messageBytesMax: 1_048_576,
  parseRequest: (value) => value,
  parseReply: (value) => value,
}
