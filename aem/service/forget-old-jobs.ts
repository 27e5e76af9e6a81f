import type { Log } from '../../overlay/contract/index.ts'
import type { JobStore } from '../protocol/index.ts'
import { expired, JOB_RETENTION, type Ended } from '../store/index.ts'

/**
 * Forgets ended jobs beyond their count and age, oldest first, with their input files. At the start of the daemon, before
 * anybody reads them. A log that cannot be read is left for who looks into it.
 */
export async function forgetOldJobs(jobs: JobStore, { wallMs, log }: { wallMs: number; log: Log }): Promise<void> {
  const ended: Ended<string>[] = []
  for (const jobId of await jobs.list()) {
    try {
      const last = (await jobs.read(jobId, 1)).at(-1)
      if (last?.type === 'ended') ended.push({ id: jobId, endedAtMs: last.atMs })
    } catch (error) {
      log.error({ job: jobId, error }, 'the log of a job cannot be read')
    }
  }
  for (const jobId of expired(ended, JOB_RETENTION, wallMs)) await jobs.remove(jobId)
}
