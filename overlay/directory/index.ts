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
export {
  PAGE_RECORDS_COUNT_MAX,
  PUT_RECORDS_COUNT_MAX,
  SHARDS_COUNT,
  applicationsWire,
  shardKey,
  shardOf,
} from './application-messages.ts'
export type { ApplicationReply, ApplicationRequest } from './application-messages.ts'
export { ANY_OWNER, severalOwners } from './application-owner.ts'
export { HOLDERS_COUNT } from './application-ports.ts'
export type { ApplicationEnv, ApplicationPorts } from './application-ports.ts'
export { PUBLICATIONS_COUNT_MAX } from './application-publisher.ts'
export {
  APPLICATION_NAME_CHARS_MAX,
  APPLICATION_NAME_PATTERN,
  APPLICATION_TTL_MS_DEFAULT,
  APPLICATION_TTL_MS_MAX,
  APPLICATION_TTL_MS_MIN,
  ENDPOINTS_COUNT_MAX,
  ENDPOINT_CHARS_MAX,
  INSTANCE_CHARS_MAX,
  INSTANCE_DEFAULT,
  OWNER_CHARS_MAX,
  PUBLISH_ACTION,
  applicationName,
  checkApplicationRecord,
  checkPublication,
  identityOf,
  isTakenBack,
  ownerOf,
  publicationBody,
  queriedAttributes,
  signApplicationRecord,
  signedApplicationRecord,
  recordBytesMax,
} from './application-record.ts'
export type {
  ApplicationRecordFields,
  MemberStatement,
  PublicationFields,
  RecordJudge,
  SignedApplicationRecord,
} from './application-record.ts'
export { ApplicationShelf, SHELF_LIMITS } from './application-shelf.ts'
export type { ShelfLimits } from './application-shelf.ts'
export { Applications } from './applications.ts'
export { parseTunnelRequest, tunnelTargets } from './tunnel-request.ts'
export type { TunnelRequest, TunnelTarget } from './tunnel-request.ts'
