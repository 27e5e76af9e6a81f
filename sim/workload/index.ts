export { POLICIES, scheduleCentrally, type Policy, type Scheduled } from './central.ts'
export { boundedSlowdown, jain, measureSchedule, SLOWDOWN_BOUND_MS, type ScheduleFigures } from './figures.ts'
export { readSwf, type SwfHeader, type SwfRecord } from './swf.ts'
export {
  JOBS_COUNT_MAX,
  offeredLoad,
  readWorkload,
  workloadOf,
  type Workload,
  type WorkloadFilter,
  type WorkloadJob,
} from './workload.ts'
