import { expect, test } from 'vitest'
import { TOPICS_COUNT } from '../../../node/net/topics.ts'
import { crowd } from '../../support/job-crowd.ts'

/** On two free cores 100 jobs, each with three watchers, take about a minute; `scripts/jobs-thousand.ts` runs more of them. */
const JOB_COUNT = Number(process.env['ROOST_TEST_JOBS'] ?? 40)
const DAEMON_COUNT = 5
const USER_COUNT = 4
const LIMIT_MS = 800_000

test('many jobs of several users are watched from the start, late, and over connections that break: nothing is lost or doubled', async () => {
  const seed = Number(process.env['ROOST_TEST_SEED'] ?? Date.now() % 1_000_000)
  console.info(`replay: node scripts/jobs-thousand.ts ${DAEMON_COUNT} ${JOB_COUNT} ${USER_COUNT} ${seed}`)
  const options = { daemonCount: DAEMON_COUNT, userCount: USER_COUNT, jobCount: JOB_COUNT, seed, limitMs: LIMIT_MS }
  const { faults, listedByUser, metrics, breakCount, eventCount } = await crowd(options)
  expect(faults).toEqual([])
  expect(eventCount).toBeGreaterThanOrEqual(6 * JOB_COUNT)
  expect(breakCount).toBeGreaterThan(JOB_COUNT)
  expect(listedByUser.reduce((sum, count) => sum + count, 0)).toBe(JOB_COUNT)
  expect(metrics['roost_net_event_topics_count']!.max).toBeLessThanOrEqual(TOPICS_COUNT)
  expect(metrics['roost_net_events_refused_rpcs']!.sum).toBe(0)
}, 900_000)
