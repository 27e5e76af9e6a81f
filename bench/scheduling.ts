// How well can one scheduler that knows everything run real workloads: the baselines for a grid's own schedule?
//
// First come, first served beside EASY backfill, on the machine that each log is of, as it was and with jobs arriving faster. Baseline:
// first come, first served. `--workload FILE` takes another log in Standard Workload Format (`--cores N` another size of machine);
// without it the logs in `$ROOST_CASES/workload`, by default ../shared/cases, where they are. `--quick` takes the first few
// hundred jobs of each.

import { existsSync, globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureSchedule, offeredLoad, POLICIES, readWorkload, scheduleCentrally } from '../sim/workload/index.ts'
import { header, quick } from './support/report.ts'

const LOAD_FACTORS = [1, 1.5, 2, 2.5]
const QUICK_JOBS_COUNT = 300

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    workload: { type: 'string' },
    cores: { type: 'string' },
  },
})
if (values.cores !== undefined && !(Number(values.cores) >= 1))
  throw new Error(`--cores ${values.cores} is no number of cores`)
const cases = join(process.env['ROOST_CASES'] ?? join(import.meta.dirname, '../../shared/cases'), 'workload')
const files = values.workload ? [values.workload] : existsSync(cases) ? globSync(join(cases, '*.swf')).sort() : []

const jobsMax = quick ? QUICK_JOBS_COUNT : Infinity
header('How well can one scheduler that knows everything run real workloads?', { slowdownBoundS: 10, jobsMax })
if (files.length === 0)
  console.log(`  nothing measured: there are no logs in ${cases} (ROOST_CASES names the folder above)`)

for (const file of files) {
  for (const loadFactor of LOAD_FACTORS) {
    const { jobs, cores, omitted, cutCount } = readWorkload('--workload', file, {
      loadFactor,
      ...(quick ? { countMax: QUICK_JOBS_COUNT } : {}),
      ...(values.cores ? { coresMax: Number(values.cores) } : {}),
    })
    const load = offeredLoad(jobs, cores)
    console.log(
      `  ${basename(file)}: ${jobs.length} jobs (${omitted.neverRan} never ran, ${cutCount} cut at their limit) on ${cores} cores, ` +
        `arriving ${loadFactor} times as fast: offered load ${load.toFixed(2)}`,
    )
    let baseline: number | undefined
    for (const policy of POLICIES) {
      const startMs = process.cpuUsage()
      const scheduled = scheduleCentrally(jobs, cores, policy)
      const { user, system } = process.cpuUsage(startMs)
      const { waitMs, slowdown, utilisation, makespanMs, fairness } = measureSchedule(scheduled, cores)
      baseline ??= waitMs.mean
      console.log(
        [
          `    ${policy}`,
          `wait s mean ${seconds(waitMs.mean)} p50 ${seconds(waitMs.p50)} p99 ${seconds(waitMs.p99)}`,
          `slowdown mean ${slowdown.mean.toFixed(2)} p99 ${slowdown.p99.toFixed(1)}`,
          `utilisation ${utilisation.toFixed(3)}`,
          `makespan d ${(makespanMs / 86_400_000).toFixed(2)}`,
          `fairness ${fairness.toFixed(3)}`,
          `mean wait ratio ${baseline === 0 ? '-' : (waitMs.mean / baseline).toFixed(2)}`,
          `cpu ms ${((user + system) / 1e3).toFixed(0)}`,
        ].join('  '),
      )
    }
    // Jobs that come all at once come no faster.
    if (!Number.isFinite(load)) break
  }
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(0)
}
