/** Counts by name, as `/metrics` shows them. The names are ours, so there are only so many; each ends in its unit. */
export class Counters {
  readonly #counts = new Map<string, number>()

  add(name: CounterName, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
  }

  get(name: CounterName): number {
    return this.#counts.get(name) ?? 0
  }

  entries(): IterableIterator<[string, number]> {
    return this.#counts.entries()
  }
}

export type CounterName =
  | 'grid_received_bytes'
  | 'grid_sent_bytes'
  | 'grid_received_frames'
  | 'grid_sent_frames'
  | 'grid_dropped_messages'
  | 'grid_malformed_frames'
  | 'grid_unknown_protocol_frames'
  | 'grid_unspoken_messages'
  | 'grid_busy_calls'
  | 'grid_busy_answers'
  | 'grid_dropped_answers'
  | 'grid_stalled_streams'
  | 'grid_handler_errors'
  | 'grid_disconnected_peers'
  | 'gate_admitted_connections'
  | 'gate_refused_connections'
  | 'gate_refused_streams'
  | 'gate_expired_connections'
  | 'gate_overflow_connections'
  | 'gate_excess_streams'
  | 'gate_silent_connections'
  | 'reach_straightened_connections'
  | 'relay_strangers'
  | 'join_requests'
  | 'join_refused_requests'
  | 'events_published'
  | 'events_unheard'
  | 'events_delivered'
  | 'events_malformed'
  | 'events_received_rpcs'
  | 'events_received_bytes'
  | 'events_refused_rpcs'
  | 'records_stale_puts'
  | 'records_full_puts'
  | 'records_refused_puts'
  | 'http_requests'
  | 'http_failed_requests'
  | 'http_cut_off_sockets'
  | 'http_late_requests'
  | 'http_stalled_sockets'
  | 'tunnels_opened'
  | 'tunnels_refused'
