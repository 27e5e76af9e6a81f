/** How long does it take from submitting a job to knowing that it has ended? */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { encodeStatement } from '../aem/commands/statement.ts'
import { signAsUser } from '../node/client/index.ts'
import { withGrid } from './support/grid.ts'
import { header, quick, row, summary, timeMs } from './support/report.ts'

const daemonCount = quick ? 3 : 10
const roundCount = quick ? 5 : 50

header('How long from submitting a job `true` to knowing that it has ended, beside fork and exec of `true`?', {
  daemonCount,
  roundCount,
})

await withGrid(daemonCount, async ({ dir, daemons, fetchOf }) => {
  const fetch = fetchOf(daemons[0]!)
  const run = async (nodes: number): Promise<void> => {
    const description = { name: 'true', run: ['true'], nodes }
    const statement = await signAsUser(join(dir, 'user'), fetch, {
      action: 'job.submit',
      body: { controller: daemons[0]!.id, description, inputs: [] },
    })
    const form = new FormData()
    form.set('statement', new Blob([encodeStatement(statement)]))
    const { id } = (await (await fetch('/aem/jobs', { method: 'POST', body: form })).json()) as { id: string }
    const events = await (await fetch(`/aem/jobs/${id}/events?from=1&follow=true`)).text()
    const last = JSON.parse(events.trim().split('\n').at(-1)!) as { type: string; state: string }
    if (last.type !== 'ended' || last.state !== 'done') throw new Error(`the job ended badly: ${JSON.stringify(last)}`)
  }
  const forkMs: number[] = []
  const oneMs: number[] = []
  const gangMs: number[] = []
  await run(1)
  for (let round = 0; round < roundCount; round++) {
    forkMs.push(await timeMs(() => new Promise((resolve) => spawn('true').once('close', resolve))))
    oneMs.push(await timeMs(() => run(1)))
    gangMs.push(await timeMs(() => run(daemonCount)))
  }
  const base = summary(forkMs).median
  row('fork and exec of `true`', forkMs, 'ms')
  row('a job of one unit, submit to exit', oneMs, 'ms', base)
  row(`a job of ${daemonCount} units on as many daemons`, gangMs, 'ms', base)
})
