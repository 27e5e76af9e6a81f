// Has a member of a replica group catch up with a large state while the group serves, on three daemons:
// node scripts/replica-catch-up.ts [MIB]
import { summary } from '../bench/support/report.ts'
import { catchUp } from '../test/support/catch-up.ts'

const mib = Number(process.argv[2] ?? 1_024)
console.error(`node scripts/replica-catch-up.ts ${mib}`)
const run = await catchUp(mib * 1_048_576, (line) => console.error(line))

const times = (samples: readonly number[]): string => {
  const { median, p95 } = summary(samples)
  return `median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, most ${Math.max(...samples).toFixed(0)} ms`
}
const memory = ({ before, most }: { before: number; most: number }): string =>
  `${before.toFixed(0)} MiB before, at most ${most.toFixed(0)} MiB`
const rate = run.stateBytes / 1_048_576 / (run.catchUpMs / 1_000)
console.log(`state            ${(run.stateBytes / 1_048_576).toFixed(0)} MiB`)
console.log(`caught up in     ${(run.catchUpMs / 1_000).toFixed(1)} s, ${rate.toFixed(0)} MiB/s`)
console.log(`written alone in ${(run.writeMs / 1_000).toFixed(1)} s; ratio ${(run.catchUpMs / run.writeMs).toFixed(1)}`)
console.log(`commands before  ${times(run.quietMs)}`)
console.log(`meanwhile        ${times(run.meanwhileMs)} (${run.meanwhileMs.length} of them)`)
console.log(`leader           ${memory(run.leaderMib)}`)
console.log(`member           ${memory(run.memberMib)}`)
const isSame = JSON.stringify(run.digests[0]) === JSON.stringify(run.digests[1])
console.log(`states           ${isSame ? 'the same' : `differ: ${run.digests.join(' and ')}`}`)
process.exit(isSame ? 0 : 1)
