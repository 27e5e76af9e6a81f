import type { PeerId } from '../../overlay/index.ts'
import type { UnitOrder } from '../protocol/index.ts'
import type { UnitDirectory } from './unit-directory.ts'

/**
 * The environment of a unit: a small clean one, then the job's own, then what roost says. Nothing of the daemon's passes
 * but PATH and TZ, so that no token of the machine's leaks into a job.
 */
export function unitEnvironment(
  order: UnitOrder,
  node: PeerId,
  directory: UnitDirectory,
  socketPath: string | undefined,
  tmp: string = directory.tmp,
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    ...(process.env['TZ'] !== undefined && { TZ: process.env['TZ'] }),
    HOME: directory.work,
    TMPDIR: tmp,
    LANG: 'C.UTF-8',
    SHELL: '/bin/sh',
    USER: process.env['USER'] ?? '',
    ...order.env,
    ROOST_JOB: order.jobId,
    ROOST_JOB_NAME: order.name,
    ROOST_UNIT: order.unitId,
    ROOST_INDEX: String(order.index),
    ROOST_COUNT: String(order.count),
    ROOST_ATTEMPT: String(order.attempt),
    ROOST_CORES: String(order.cores),
    ROOST_NODE: node,
    ROOST_NODES: order.peers.join(' '),
    ROOST_SANDBOX: directory.work,
    ...(socketPath !== undefined && { ROOST_SOCKET: socketPath }),
  }
}
