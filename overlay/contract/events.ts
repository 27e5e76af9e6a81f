import type { PeerId, Plain } from '../env/index.ts'

/** Pub/sub: a hint, at most once, that may be lost, late or doubled. What must arrive is read from where it is kept. */
export interface Events {
  /** The longest encoded event is `EVENT_BYTES_MAX`; a longer one is refused with `MESSAGE_TOO_LARGE`. */
  publish(key: string, event: Plain): Promise<void>
  /**
   * Hears what is published under `key`. Keys share a fixed number of topics. `near` names the publisher: a connection to it
   * is made first, since a publisher reaches only those it is connected to. Returns how to stop.
   */
  subscribe(
    key: string,
    options: { readonly near?: PeerId },
    listener: (from: PeerId, event: unknown) => void,
  ): () => void
}
