export { attemptsOf, type Attempt, type AttemptUnit } from './attempts.ts'
export {
  ISOLATION_ATTRIBUTE,
  isLabelName,
  LABEL_NAME_WORDS,
  promisedBytes,
  readDescription,
  type JobDescription,
} from './description.ts'
export { boardReply, JobBoard, type BoardCommand, type BoardHears, type BoardReply } from './board.ts'
export { BoardKeeper, type BoardReplica } from './board-keeper.ts'
export type { BoardAsker } from './board-store.ts'
export { HOLDERS_COUNT_MAX, signMandate, type Mandate } from './mandate.ts'
export { JOBS_COUNT_MAX, type JobOptions } from './controller.ts'
export {
  FINAL_STATES,
  isFinal,
  JOB_STATES,
  parseJobEvent,
  publicEvent,
  type FinalState,
  type JobEvent,
  type JobHappening,
  type JobState,
} from './events.ts'
export { FEED_BUFFER_COUNT_MAX, FEED_READ_MS, JobFeed, type FeedSource } from './feed.ts'
export { describeExit } from './exit-words.ts'
export { malformedJob, type FieldPath } from './field-reader.ts'
export { isJobId, JOB_ID_CHARS, jobIdOf, parseUnitId, unitIdOf, type JobId, type UnitId } from './ids.ts'
export { JobService } from './job-service.ts'
export type { Governor } from './governors.ts'
export { applyEvent, isUnitOver, viewOf, type JobView, type UnitState, type UnitView } from './job-view.ts'
export type {
  InputFile,
  Isolation,
  Launcher,
  RecoveredUnit,
  Suspender,
  UnitExit,
  UnitLimits,
  UnitOrder,
} from './launcher.ts'
export { jobWire, type JobReply, type JobRequest } from './messages.ts'
export type { Capacity, JobPorts, NodesPort } from './ports.ts'
export { EXIT_CODES, exitCodeOf, outcomeOf, type Outcome } from './outcome.ts'
export { READ_ACTION, readReading } from './reading.ts'
export { parseBytes, parseDurationMs } from './quantity.ts'
export { EVENTS_COUNT_MAX, NODES_MAX, STATEMENT_BYTES_MAX } from './shapes.ts'
export type { GovernorStore, JobStore, UnitStore } from './stores.ts'
export {
  CANCEL_ACTION,
  orderOf,
  readSubmission,
  SUBMIT_ACTION,
  type CheckedStatement,
  type CheckStatement,
  type Submission,
} from './submission.ts'
export { applyUnitEvent, parseUnitEvent, type UnitEvent, type UnitHappening, type UnitStatus } from './unit-log.ts'
export { ENDED_BUT_KEPT, STATE_NAMES, type StateNames } from './state-names.ts'
export * from './why/index.ts'
