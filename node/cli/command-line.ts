import type { Command, CommanderError } from 'commander'
import { ERROR_CODES, EXIT, nearest, RoostError } from '../../overlay/index.ts'
import { fromCommander, QuietExit, reportFailure } from './failure.ts'
import { scanGlobals, type Globals, type Scan } from './globals.ts'
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
    await run(args, scan, createSession(host, globals))
    return EXIT.ok
  } catch (error) {
    return error instanceof QuietExit ? error.status : reportFailure(error, host.stderr, globals)
  }
}

async function run(args: readonly string[], { word, words }: Scan, session: Session): Promise<void> {
  const program = createProgram(session)
  const isAboutAll = word === undefined || word === 'help'
  if (isAboutAll) await addPluginWords(program, session)
  else if (!hasCommand(program, word)) await addPluginCommands(program, session, word)
  if (word === undefined && !args.some((arg) => arg.startsWith('-'))) {
    program.outputHelp()
    return
  }
  if (words[0] === 'help' && words.length > 1) {
    explain(program, words.slice(1))
    return
  }
  try {
    await program.parseAsync(args as string[], { from: 'user' })
  } catch (error) {
    const path = commandPath(program, words)
    throw isCommanderError(error) ? fromCommander(error, path) : withHelpOf(path, error)
  }
}

/** `roost help COMMAND...` */
function explain(program: Command, words: readonly string[]): void {
  let command = program
  for (const word of words) {
    const next = childOf(command, word)
    if (!next) {
      const names = command.commands.map((child) => child.name())
      const guess = nearest(word, names)
      throw new RoostError('USAGE', `unknown command '${word}'`, {
        hint: guess === undefined ? 'see `roost help`' : `did you mean ${guess}?`,
      })
    }
    command = next
  }
  command.outputHelp()
}

/** The words that lead to the command in question, for the hint. */
function commandPath(program: Command, words: readonly string[]): string {
  const path: string[] = []
  for (let command = program; ;) {
    const next = childOf(command, words[path.length] ?? '')
    if (!next) return path.join(' ')
    path.push(next.name())
    command = next
  }
}

function childOf(command: Command, word: string): Command | undefined {
  return command.commands.find((child) => child.name() === word)
}

/** What a command finds wrong with its own arguments leads to its own help. */
function withHelpOf(path: string, error: unknown): unknown {
  const isGeneral = error instanceof RoostError && error.code === 'USAGE' && error.hint === ERROR_CODES.USAGE.hint
  if (!isGeneral || path === '') return error
  return new RoostError('USAGE', error.message, { cause: error, hint: `see \`roost help ${path}\`` })
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && String((error as Partial<CommanderError>).code).startsWith('commander.')
}
