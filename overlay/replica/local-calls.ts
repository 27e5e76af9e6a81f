import type { PeerId } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import type { GroupEnv } from './client.ts'
import type { ReplicaReply, ReplicaRequest } from './requests.ts'

interface OpenCall {
  readonly dueMs: number
  reject(error: RoostError): void
}

/** A node's calls to its own replicas. One timer watches over all of them: nearly every one is answered long before it is late. */
export class LocalCalls {
  readonly #env: Pick<GroupEnv, 'self' | 'nowMs' | 'sleep'>
  readonly #local: { answer(from: PeerId, request: ReplicaRequest): Promise<ReplicaReply> }
  readonly #open = new Set<OpenCall>()
  /** When the watch wakes next. */
  #wakesMs = Infinity

  constructor(
    env: Pick<GroupEnv, 'self' | 'nowMs' | 'sleep'>,
    local: { answer(from: PeerId, request: ReplicaRequest): Promise<ReplicaReply> },
  ) {
    this.#env = env
    this.#local = local
  }

  /** `CALL_TIMEOUT`, uncertain, where there is no answer in time. */
  ask(request: ReplicaRequest, timeoutMs: number): Promise<ReplicaReply> {
    return new Promise((resolve, reject) => {
      const call: OpenCall = { dueMs: this.#env.nowMs + timeoutMs, reject }
      this.#open.add(call)
      this.#watch(call.dueMs)
      this.#local.answer(this.#env.self, request).then(
        (reply) => {
          this.#open.delete(call)
          resolve(reply)
        },
        (error: unknown) => {
          this.#open.delete(call)
          reject(error)
        },
      )
    })
  }

  #watch(dueMs: number): void {
    if (dueMs >= this.#wakesMs) return
    this.#wakesMs = dueMs
    this.#env.sleep(Math.max(0, dueMs - this.#env.nowMs)).then(
      () => {
        if (this.#wakesMs !== dueMs) return
        this.#wakesMs = Infinity
        this.#endLate()
      },
      // The node is being stopped: nobody is answered any more.
      () => this.#endLate(Infinity),
    )
  }

  #endLate(nowMs = this.#env.nowMs): void {
    let nextMs = Infinity
    for (const call of this.#open) {
      if (call.dueMs > nowMs) nextMs = Math.min(nextMs, call.dueMs)
      else {
        this.#open.delete(call)
        call.reject(new RoostError('CALL_TIMEOUT', 'this node did not answer in time', { certain: false }))
      }
    }
    if (nextMs < Infinity) this.#watch(nextMs)
  }
}
