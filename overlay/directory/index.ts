export {
  CONTROLLERS_COUNT_MAX,
  JOB_ID_CHARS_MAX,
  JOB_RECORD_BYTES_MAX,
  JOB_RECORD_CONTEXT,
  compareJobRecords,
  parseJobRecord,
  signJobRecord,
} from './job-record.ts'
export type { JobRecordFields, SignedJobRecord } from './job-record.ts'
