import type { Command } from 'commander'
import type { CommandContext, CommandModule } from '../../overlay/contract/index.ts'
import type { ListOptions } from './list.ts'
import type { RunOptions } from './run.ts'

/** Words, arguments and options. What a command does is loaded when it is used. */
export const commands: CommandModule = {
  register(program, context) {
    registerSubmit(program, context)
    registerRun(program, context)
    registerLists(program, context)
    registerWatching(program, context)
    registerActing(program, context)
  },
}

function registerSubmit(program: Command, context: CommandContext): void {
  program
    .command('submit')
    .description('submit a job file, and go on')
    .argument('<file>', 'YAML or JSON; `-` reads it from standard input')
    .action(async (file: string) => (await import('./submit.ts')).submit(context, file))
}

function registerRun(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description('run a command on the grid: wait for it, show its output, exit as it does')
    .argument('<command...>', 'a program and its arguments; one argument alone is a shell text')
    .option('-w, --where <expression>', 'only nodes for which this is true')
    .option('--rank <expression>', 'a number; nodes with a higher one come first')
    .option('-n, --nodes <count>', 'units, one a node, that start together', wholeNumber)
    .option('-c, --cores <count>', 'cores promised to each unit', wholeNumber)
    .option('--memory <size>', 'memory promised to each unit: 8GiB')
    .option('--memory-limit <size>', 'the most memory that each unit may take')
    .option('--time <duration>', 'the most time that each unit may take: 90s, 2h')
    .option('--processes <count>', 'the most processes and threads that each unit may have', wholeNumber)
    .option('--isolate', 'see only the system, read-only, and the sandbox; no network')
    .option('--network', 'with --isolate: keep the network')
    .option('--name <name>', 'what to call it')
    .option('--in <file>', 'a file that every unit finds where it starts (again for more)', collect)
    .option('--out <pattern>', 'files to keep for `roost get` (again for more)', collect)
    .option('--env <name=value>', 'an environment variable (again for more)', collect)
    .option('--label', 'begin each line of output with its unit, also where it goes into a file')
    .action(async (words: string[], options: RunOptions) => (await import('./run.ts')).run(context, words, options))
}

function registerLists(program: Command, context: CommandContext): void {
  program
    .command('ps')
    .description('list jobs')
    .option('-a, --all', 'also those that have ended')
    .option('--state <states>', 'only those that stand so: queued,running')
    .option('--user <id>', 'only those of the user with this key id; `me` is you')
    .option('--label <name=value>', 'only those with this label (again for more)', collect)
    .option('--since <time>', 'only those submitted since then: 2h, 2026-11-22T08:00')
    .option('--watch', 'look again every two seconds, until ctrl-c')
    .action(async (options: ListOptions) => (await import('./list.ts')).list(context, options))
  program
    .command('show')
    .description('show a job, its units, its attempts and what happened to it')
    .argument('<job>', JOB)
    .option('--watch', 'until the job has ended')
    .action(async (job: string, options: { watch?: true }) => (await import('./show.ts')).show(context, job, options))
  program
    .command('why')
    .description('say why a job does not run: what stands in the way at each node')
    .argument('<job|file>', `${JOB}; or a job file that was not submitted (with a \`.\` or \`/\` in it, or \`-\`)`)
    .option('-a, --all', 'every node, not only how many there are of a kind')
    .action(async (subject: string, options: { all?: true }) =>
      (await import('./why.ts')).why(context, subject, options),
    )
}

function registerWatching(program: Command, context: CommandContext): void {
  program
    .command('logs')
    .description("print what a job's units wrote")
    .argument('<job>', JOB)
    .option('-f, --follow', 'go on until the job has ended')
    .option('--unit <index>', 'of this unit alone', wholeNumber)
    .option('--label', 'begin each line with its unit')
    .action(async (job: string, options: { follow?: true; unit?: number; label?: true }) =>
      (await import('./logs.ts')).logs(context, job, options),
    )
  program
    .command('events')
    .description('print what happened to a job')
    .argument('<job>', JOB)
    .option('-f, --follow', 'go on until the job has ended')
    .option('--from <number>', 'the first event to print', wholeNumber, 1)
    .action(async (job: string, options: { follow?: true; from: number }) =>
      (await import('./events.ts')).events(context, job, options),
    )
  program
    .command('wait')
    .description('wait until jobs have ended; exits as the first of them that did not succeed')
    .argument('<jobs...>', JOB)
    .action(async (jobs: string[]) => (await import('./wait.ts')).wait(context, jobs))
}

function registerActing(program: Command, context: CommandContext): void {
  program
    .command('cancel')
    .description('cancel jobs')
    .argument('<jobs...>', JOB)
    .option('--reason <text>', 'why')
    .action(async (jobs: string[], options: { reason?: string }) =>
      (await import('./cancel.ts')).cancel(context, jobs, options),
    )
  program
    .command('get')
    .description('fetch output files of a job: those that `stage: { out: [...] }` names')
    .argument('<job>', JOB)
    .argument('[names...]', 'these alone')
    .option('--unit <index>', 'of this unit alone', wholeNumber)
    .option('--to <directory>', 'where to put them', '.')
    .option('--force', 'write over files that are there')
    .action(async (job: string, names: string[], options: { unit?: number; to: string; force?: true }) =>
      (await import('./get.ts')).get(context, job, names, options),
    )
}

const JOB = 'an id, the beginning of one, or @last'

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

/** `NaN` where it is none: the command says so, naming the option. */
function wholeNumber(value: string): number {
  return /^\d{1,9}$/.test(value) ? Number(value) : NaN
}
