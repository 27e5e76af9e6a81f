export { GroupDatabase, type LoadedGroup } from './group-database.ts'
