export { JOB_TEXT_BYTES_MAX, jobTextTooLong, parseJobText, type JobText } from './job-text.ts'
