export { DaemonGroups } from './daemon-groups.ts'
export { GroupDatabase, type LoadedGroup } from './group-database.ts'
