import type { Discovery } from '../../overlay/index.ts'
import type { Network } from '../net/index.ts'
import type { DaemonGroups } from '../replica/index.ts'
import type { MetricsRegistry } from '../surface/index.ts'
import type { DaemonApplications } from './applications.ts'

/** Puts what the network and the directory count, and how many nodes are believed to be what, on `/metrics`. */
export function observe(
  metrics: MetricsRegistry,
  {
    network,
    discovery,
    applications,
    groups,
  }: { network: Network; discovery: Discovery; applications: DaemonApplications; groups: DaemonGroups },
): void {
  metrics.addSource('net', () => network.metrics())
  metrics.addSource('directory', () => applications.metrics())
  metrics.addSource('replica', () => groups.metrics())
  metrics.addSource('grid', () => {
    const counts = { nodes_alive: 0, nodes_suspect: 0, nodes_dead: 0, nodes_left: 0 }
    for (const { state } of discovery.list()) counts[`nodes_${state}`]++
    return counts
  })
}
