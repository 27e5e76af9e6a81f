// Many jobs of several users on real daemons, all of them watched: node scripts/jobs-thousand.ts [DAEMONS] [JOBS] [USERS] [SEED]
import { crowd } from '../test/support/job-crowd.ts'

/** The whole takes some 250 MB a daemon while it runs, units included. */
const LIMIT_MS = 3_600_000

const [daemons = '20', jobs = '1000', users = '10', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
console.error(`node scripts/jobs-thousand.ts ${daemons} ${jobs} ${users} ${seed}`)
const report = await crowd({
  daemonCount: Number(daemons),
  jobCount: Number(jobs),
  userCount: Number(users),
  seed: Number(seed),
  limitMs: LIMIT_MS,
  say: (line) => console.error(line),
})
const { faults, ...figures } = report
console.log(JSON.stringify({ ...figures, lostCount: faults.length }, undefined, 2))
for (const fault of faults) console.error(fault)
process.exit(faults.length === 0 ? 0 : 1)
