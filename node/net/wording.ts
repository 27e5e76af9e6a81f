import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { CallOptions, CallWire, OlderCallWire, PeerId, Plain, Wire } from '../../overlay/index.ts'
import type { Versions } from './versions.ts'

/** What is said to a peer, in the version of the protocol that is spoken with it. */

/** A message as the peer's version says it; undefined where that has no words for it, or none of ours is spoken there. */
export function wordsFor<Message>(
  versions: Versions,
  to: PeerId,
  { id: newest, older = [] }: Wire<Message>,
  message: Message,
): { readonly id: string; readonly words: Plain } | undefined {
  let id: string
  try {
    id = versions.choose(to, [newest, ...older.map((version) => version.id)])
  } catch {
    return undefined
  }
  if (id === newest) return { id, words: message as Plain }
  const words = older.find((version) => version.id === id)!.express(message)
  return words === undefined ? undefined : { id, words }
}

/** The newest version of a conversation in the form of the older ones: it says everything as it is. */
export function newestCallWire<Request, Reply>(wire: CallWire<Request, Reply>): OlderCallWire<Request, Reply> {
  return {
    id: wire.id,
    parseRequest: wire.parseRequest,
    parseReply: wire.parseReply,
    expressRequest: (request) => request as Plain,
    expressReply: (reply) => reply as Plain,
  }
}

interface Asked<Request, Reply> extends CallOptions {
  readonly to: PeerId
  readonly request: Request
  /** The newest first. */
  readonly versions: readonly OlderCallWire<Request, Reply>[]
}

interface Here {
  readonly self: PeerId
  readonly nowMs: () => number
  readonly chosen: Versions
}

/**
 * Asks in the highest version that both speak. A refusal says which that is; it is certain, so that asking again is safe. Gives the
 * reply, and the id of the version that it is in. Rejects as `call` does, or with `PROTOCOL_UNKNOWN`.
 */
export async function askByVersion<Request, Reply>(
  { to, request, versions, timeoutMs, signal }: Asked<Request, Reply>,
  { self, nowMs, chosen }: Here,
  call: (id: string, words: Plain, limits: CallOptions) => Promise<Uint8Array>,
): Promise<{ readonly id: string; readonly reply: Uint8Array }> {
  const ids = versions.map(({ id }) => id)
  const deadlineMs = nowMs() + timeoutMs
  const tried = new Set<string>()
  for (;;) {
    const id = chosen.choose(to, ids)
    const words = versions.find((version) => version.id === id)!.expressRequest(request)
    if (words === undefined) throw new RoostError('PROTOCOL_UNKNOWN', `${id} has no words for this`)
    const limits = { timeoutMs: Math.max(1, deadlineMs - nowMs()), ...(signal !== undefined && { signal }) }
    try {
      return { id, reply: await call(id, words, limits) }
    } catch (thrown) {
      // Choosing again gives another version, or fails; the same one twice is a peer that contradicts itself.
      if (to === self || tried.has(id) || !chosen.learn(to, id, asRoostError(thrown))) throw thrown
      tried.add(id)
    }
  }
}
