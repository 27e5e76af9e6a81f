export { JOB_TEXT_BYTES_MAX, parseJobText, type JobText } from './job-text.ts'
