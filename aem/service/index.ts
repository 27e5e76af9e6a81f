export type { JobApp } from './routes.ts'
export type { Job, JobList, JobSummary, OutputFiles, Why } from './schemas.ts'
export { startJobs } from './start.ts'
