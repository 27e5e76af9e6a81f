import {
  parseJobEvent,
  parseUnitEvent,
  type JobEvent,
  type JobStore,
  type UnitEvent,
  type UnitStore,
} from '../protocol/index.ts'
import type { Database } from './database.ts'
import type { InputFiles } from './input-files.ts'
import { NumberedLogs } from './numbered-log.ts'

/** The logs of the jobs that this node alone keeps. */
export function openJobLogs(database: Database): JobStore {
  const logs = new NumberedLogs<JobEvent>(database, 'job', parseJobEvent)
  return {
    append: (jobId, events) => logs.append(jobId, events),
    read: (jobId, fromNumber) => logs.read(jobId, fromNumber),
    list: () => logs.list(),
    remove: (jobId) => logs.remove(jobId),
  }
}

/** The same; `remove` takes their input files too. */
export function withInputs(logs: JobStore, inputs: InputFiles): JobStore {
  return {
    ...logs,
    // The log goes last: a crash in between leaves a job without its files, which only an ended one can bear.
    remove: async (jobId) => {
      await inputs.remove(jobId)
      await logs.remove(jobId)
    },
  }
}

/** The logs of the units that this node ran. */
export function openUnitStore(database: Database): UnitStore {
  const logs = new NumberedLogs<UnitEvent>(database, 'unit', parseUnitEvent)
  return {
    append: (unitId, events) => logs.append(unitId, events),
    read: (unitId, fromNumber) => logs.read(unitId, fromNumber),
    list: () => logs.list(),
    remove: (unitId) => logs.remove(unitId),
  }
}
