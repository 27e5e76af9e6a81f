import type { Connection } from '@libp2p/interface'

/** Ends a connection at once. libp2p's `abort` throws where the muxer was closing already; then it ends all the same. */
export function cut(connection: Connection, reason: Error): void {
  try {
    connection.abort(reason)
  } catch {
    // The goodbye could not be written.
  }
}
