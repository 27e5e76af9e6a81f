export {
  GROUP_CLIENT_DEFAULTS,
  GroupClient,
  type AskOptions,
  type GroupClientDependencies,
  type GroupClientOptions,
  type GroupEnv,
} from './client.ts'
export {
  COMMAND_WEIGHT_MAX,
  LEARNERS_MAX,
  readEntry,
  readHardState,
  readSnapshotMeta,
  VOTERS_MAX,
  type Entry,
  type GroupConfiguration,
  type HardState,
  type SnapshotMeta,
  type Voter,
} from './entry.ts'
export type { ReplicaEvent, ReplicaTimer } from './events.ts'
export { MemoryDisk, type DiskTime } from './memory-storage.ts'
export { CHUNK_WEIGHT_MAX, GROUP_CHARS_MAX, GROUP_COUNT_MAX, replicaWire, type ReplicaMessage } from './messages.ts'
export { REPLICA_DEFAULTS, type ReplicaOptions } from './options.ts'
export type { ReplicaStatus } from './replica.ts'
export { Replicas, type ReplicaParts, type ReplicasDependencies } from './replicas.ts'
export { replicaCallWire, type ReplicaReply, type ReplicaRequest } from './requests.ts'
export {
  SERVICE_CHUNK_WEIGHT_MAX,
  type AnyService,
  type ApplyContext,
  type Given,
  type ReplicatedService,
} from './service.ts'
export { SESSION_COUNT_MAX, SESSION_MS, SESSION_WINDOW } from './sessions.ts'
export { ROW_WEIGHT_MAX, SnapshotTable } from './snapshot-table.ts'
export type { ChunkOutcome, ReplicaStorage, StagedSnapshot, StorageWrite, StoredReplica } from './storage.ts'
