export { openDatabase, type Database } from './database.ts'
export { InputFiles } from './input-files.ts'
export { expired, JOB_RETENTION, type Ended, type Retention } from './retention.ts'
export { openJobStore, openUnitStore } from './stores.ts'
