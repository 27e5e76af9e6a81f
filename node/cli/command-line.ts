import type { Command, CommanderError } from 'commander'
import { EXIT } from '../../overlay/index.ts'
import { fromCommander, QuietExit, reportFailure } from './failure.ts'
import { scanGlobals, type Globals } from './globals.ts'
import { addPluginCommands, addPluginWords } from './plugin-commands.ts'
import { createProgram, hasCommand } from './program.ts'
import { createSession, type CommandLineHost, type Session } from './session.ts'

export type { CommandLineHost } from './session.ts'

/** Runs one command line and gives its exit status. Never rejects: a failure is told on stderr. */
export async function runCommandLine(args: readonly string[], host: CommandLineHost): Promise<number> {
  let globals: Globals = { json: args.includes('--json'), verbose: args.includes('--verbose') }
  try {
    const scan = scanGlobals(args)
    globals = scan.globals
    if (scan.word === 'sim') return await host.runSimulator(args.toSpliced(args.indexOf('sim'), 1))
    await run(args, scan.word, createSession(host, globals))
    return EXIT.ok
  } catch (error) {
    return error instanceof QuietExit ? error.status : reportFailure(error, host.stderr, globals)
  }
}

async function run(args: readonly string[], word: string | undefined, session: Session): Promise<void> {
  const program = createProgram(session)
  const isAboutAll = word === undefined || word === 'help'
  if (isAboutAll) await addPluginWords(program, session)
  else if (!hasCommand(program, word)) await addPluginCommands(program, session, word)
  if (word === undefined && !args.some((arg) => arg.startsWith('-'))) {
    program.outputHelp()
    return
  }
  try {
    await program.parseAsync(args as string[], { from: 'user' })
  } catch (error) {
    throw isCommanderError(error) ? fromCommander(error, commandPath(program, word)) : error
  }
}

/** The words that lead to the command in question, for the hint. */
function commandPath(program: Command, word: string | undefined): string {
  return word !== undefined && hasCommand(program, word) ? word : ''
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && String((error as Partial<CommanderError>).code).startsWith('commander.')
}
