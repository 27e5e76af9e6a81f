import { isFinal, viewOf, type JobEvent, type UnitEvent, type UnitId } from '../../../aem/protocol/index.ts'
import type { JobGrid } from './job-grid.ts'

/** What must hold of jobs at every moment; each gives the words of what is broken, or nothing. */
export const ALWAYS: Readonly<Record<string, (grid: JobGrid) => string | undefined>> = {
  'no unit runs twice': (grid) => {
    const seen = new Set<string>()
    for (const machine of grid.machines.values())
      for (const { jobId, index, unitId } of machine.started) {
        const unit = `${jobId}/${index}`
        if (seen.has(unit)) return `${unitId} was started although unit ${index} of its job was before`
        seen.add(unit)
      }
    return undefined
  },
  'no core is promised twice': (grid) => {
    for (const [id, machine] of grid.machines) {
      let cores = 0
      for (const log of machine.unitLogs.values()) if (isPromised(log)) cores += coresOf(log)
      if (cores > machine.cores) return `${id} has ${machine.cores} cores and promised ${cores}`
    }
    return undefined
  },
  'a gang starts only when all have confirmed': (grid) => {
    for (const machine of grid.machines.values())
      for (const order of machine.started) {
        const missing = order.peers.findIndex(
          (peer, index) => !grid.machines.get(peer)!.unitLogs.has(`${order.jobId}.${order.attempt}.${index}` as UnitId),
        )
        if (missing !== -1) return `${order.unitId} was started, unit ${missing} never confirmed`
      }
    return undefined
  },
}

/** What must hold once the faults are over and everything has had time to end. */
export const FINALLY: Readonly<Record<string, (grid: JobGrid) => string | undefined>> = {
  'an acknowledged job is never lost and ends': (grid) => {
    for (const jobId of grid.acknowledged.keys()) {
      const log = grid.logOf(jobId)
      if (!log || log.length === 0) return `job ${jobId} is gone`
      const gap = Array.from(log).findIndex((event, index) => event?.number !== index + 1)
      if (gap !== -1) return `the log of ${jobId} has a gap at ${gap + 1}`
      const view = viewOf(log)!
      if (!isFinal(view.state)) return `job ${jobId} is still ${view.state}: ${view.reason}`
      if (log.filter((event) => event.type === 'ended').length !== 1) return `job ${jobId} ended more than once`
    }
    return undefined
  },
  'every exit is told as it was': (grid) => {
    for (const jobId of grid.acknowledged.keys())
      for (const event of grid.logOf(jobId) ?? []) {
        if (event.type !== 'unit-exited') continue
        const process = grid.machines
          .get(event.node)!
          .processes.get(`${jobId}.${event.attempt}.${event.unit}` as UnitId)
        if (event.exit.kind === 'unstartable' ? process !== undefined : !sameExit(process?.exit, event.exit))
          return `unit ${event.unit} of ${jobId}: ${JSON.stringify(event.exit)}, in truth ${JSON.stringify(process?.exit)}`
      }
    return undefined
  },
  'a placed gang starts whole': (grid) => {
    for (const jobId of grid.acknowledged.keys()) {
      const view = viewOf(grid.logOf(jobId) ?? [])
      if (!view || view.placement !== 'placed' || view.cancelling || view.state === 'lost') continue
      const count = [...grid.machines.values()].flatMap((machine) =>
        machine.started.filter((order) => order.jobId === jobId),
      )
      if (count.length !== view.units.length) return `${count.length} of ${view.units.length} units of ${jobId} ran`
    }
    return undefined
  },
  'nothing is left behind': (grid) => {
    for (const [id, machine] of grid.machines) {
      if (machine.running.length > 0) return `${machine.running[0]!.unitId} still runs on ${id}`
      const free = grid.services.get(id)?.attributes()['FreeCores']
      if (free !== machine.cores) return `${id} has ${free} of ${machine.cores} cores free`
    }
    return undefined
  },
  'a feed gives the log': (grid) => {
    for (const [jobId, got] of grid.feeds) {
      const log = grid.logOf(jobId) ?? []
      if (words(got) !== words(log)) return `${jobId}: the feed gave ${words(got)}, the log has ${words(log)}`
    }
    return undefined
  },
}

function isPromised(log: readonly UnitEvent[]): boolean {
  return log.length > 0 && !log.some((event) => event?.type === 'exited' || event?.type === 'released')
}

function coresOf([first]: readonly UnitEvent[]): number {
  return first?.type === 'confirmed' ? first.order.cores : 0
}

function sameExit(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function words(events: readonly JobEvent[]): string {
  return events.map((event) => `${event.number}:${event.type}`).join(' ')
}
