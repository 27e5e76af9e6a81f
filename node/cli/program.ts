import { Command, Option } from 'commander'
import { SETTING_KEYS, type SettingKey } from '../config/index.ts'
import type { Action, Flags } from './action.ts'
import { actions } from './commands/index.ts'
import type { Session } from './session.ts'

/** Whether roost itself has this word; any other is looked for among the plugins. */
export function hasCommand(program: Command, word: string): boolean {
  return program.commands.some((command) => command.name() === word)
}

/** The command line of roost itself: names, flags and one line each. What a command does lies in `commands/`. */
export function createProgram(session: Session): Command {
  const program = new Command('roost')
    .description('Turns any set of machines into one grid: find machines, run jobs.')
    .usage('COMMAND [ARGUMENTS] [FLAGS]')
    .version(session.host.version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand('help [COMMAND]', 'explain a command')
    .option('--json', 'print one JSON document instead of text')
    .option('--verbose', 'show the stack of an error')
    .option('--data <dir>', 'the data directory of the daemon')
    .option('--config <file>', 'read this configuration file and no other')
    .configureOutput({
      writeOut: (text) => session.host.stdout.write(text),
      writeErr: (text) => session.host.stderr.write(text),
      outputError: () => {},
    })
    .configureHelp({ showGlobalOptions: false, subcommandTerm: termOf })
    .addHelpText(
      'after',
      '\n`roost help COMMAND` explains one. Try it out on this machine: `roost dev up -n 3`, then `roost nodes`.',
    )
    .exitOverride()

  const lazily =
    (load: () => Promise<Action>) =>
    async (...given: unknown[]): Promise<void> => {
      // commander gives the arguments, then the flags, then the command.
      const [flags] = given.slice(-2) as [Flags]
      const args = given.slice(0, -2).flat() as string[]
      const action = await load()
      await action(session, args, flags, program)
    }

  program.commandsGroup('This machine:')
  program
    .command('up')
    .description('start the daemon: make a grid, or go on with the one that this machine is in')
    .addOption(new Option('--join <ticket>', 'join the grid that this ticket is for'))
    .addOption(new Option('--grid <name>', 'the name of a new grid').conflicts('join'))
    .addOption(setting('name', '<name>'))
    .addOption(setting('listen', '<addresses>'))
    .addOption(setting('port', '<number>'))
    .addOption(setting('api-port', '<number>'))
    .addOption(setting('log-level', '<level>'))
    .option('--detach', 'return when the daemon is ready, and leave it running')
    .action(lazily(actions.up))
  program.command('down').description('stop the daemon and wait until it has ended').action(lazily(actions.down))
  program.command('status').description('show this node, its grid and its plugins').action(lazily(actions.status))
  program.command('doctor').description('check this machine, and say what to do').action(lazily(actions.doctor))
  const net = program.command('net').description('look at how this node and others reach each other')
  net
    .command('check')
    .description('ask others whether they reach this node, and say what to do')
    .action(lazily(actions.checkNet))

  program.commandsGroup('The grid:')
  program
    .command('join')
    .description('join a grid with a ticket from `roost invite`, and start the daemon')
    .argument('<ticket>', 'the whole line that `roost invite` printed')
    .addOption(setting('name', '<name>'))
    .addOption(setting('listen', '<addresses>'))
    .addOption(setting('port', '<number>'))
    .addOption(setting('api-port', '<number>'))
    .action(lazily(actions.join))
  program
    .command('invite')
    .description('print a ticket that lets one machine join')
    .option('--ttl <duration>', 'how long the ticket is good: 90m, 24h, 7d', '24h')
    .action(lazily(actions.invite))
  program
    .command('leave')
    .description('leave the grid: the daemon ends and forgets its membership')
    .action(lazily(actions.leave))
  program
    .command('nodes')
    .description('list the nodes of the grid, as this one sees them')
    .action(lazily(actions.nodes))
  const node = program.command('node').description('look at a node, or label this one')
  node
    .command('show')
    .description('show everything that is known of a node, with what it measures now')
    .argument('<id>', 'an id, the beginning of one, or a name')
    .action(lazily(actions.showNode))
  node
    .command('label')
    .description('set attributes of this node (name=value), or remove them (-name)')
    .argument('<labels...>', 'such as site=lyon gpu.driver=550 -old')
    .allowUnknownOption()
    .action(lazily(actions.labelNode))
  program
    .command('find')
    .description('find live nodes for which an expression is true')
    .argument('<expression>', "such as 'Cores >= 8 && Memory >= 16GiB'")
    .option('-n, --count <number>', 'how many nodes are wanted', '20')
    .option('--rank <expression>', 'a number; nodes with a higher one come first')
    .option('--timeout <duration>', 'when to stop looking', '5s')
    .option('--explain', 'say how they were found: cells, contacts, and why it ended')
    .option('--stream', 'with --json, one line for each node as it answers, and one for the rest')
    .action(lazily(actions.find))
  program
    .command('expr')
    .description('evaluate an expression, to try a query before it is used')
    .argument('<expression>', 'a ClassAd expression')
    .option('--ad <file>', 'attributes that it sees as its own (`-` reads standard input)')
    .option('--target <file>', 'attributes that it sees as `TARGET`')
    .action(lazily(actions.evaluateExpression))

  const app = program.command('app').description('publish applications, find them, and reach them through the grid')
  app
    .command('publish')
    .description('publish an application of this machine under a name, until it is removed')
    .argument('<name>', 'such as web or render.db')
    .option('--port <number>', 'a port of this machine where it listens; may stand several times', gather)
    .option('--endpoint <address>', 'another address: host:port or scheme://host:port/path', gather)
    .option('--attribute <name=value>', 'what it can be found by; may stand several times', gather)
    .option('--ttl <duration>', 'how long it is believed when this machine is gone without a word', '60s')
    .action(lazily(actions.publishApplication))
  app
    .command('find')
    .description('find applications for which an expression is true')
    .argument('[expression]', 'such as \'Name == "web" && version >= 2\'; without it all of them')
    .option('-n, --count <number>', 'how many are wanted', '100')
    .option('--timeout <duration>', 'when to stop looking', '5s')
    .action(lazily(actions.findApplications))
  app
    .command('rm')
    .description('take back what this machine publishes under a name')
    .argument('<name>')
    .action(lazily(actions.removeApplication))
  app
    .command('connect')
    .description('open a port of this machine that leads to an application, until ctrl-c')
    .argument('<name>', 'one of yours, or OWNER/NAME')
    .argument('[port]', 'the port to open; without it any free one')
    .action(lazily(actions.connectApplication))

  program.commandsGroup('To try and to build:')
  const dev = program.command('dev').description('a grid of real daemons on this machine, to try and to break')
  dev
    .command('up')
    .description('start a grid')
    .option('-n, --count <number>', 'how many daemons', '3')
    .action(lazily(actions.devUp))
  dev.command('kill').description('end daemon number K with SIGKILL').argument('<k>').action(lazily(actions.devKill))
  dev.command('restart').description('start daemon number K again').argument('<k>').action(lazily(actions.devRestart))
  dev.command('down').description('end the grid and remove what it left').action(lazily(actions.devDown))
  dev
    .command('demo')
    .description('start a grid, run a job on it, kill a node, and check each step')
    .option('--keep', 'leave the grid running')
    .action(lazily(actions.devDemo))
  program.command('sim').description('run the protocols on virtual time (`roost sim help`)').allowUnknownOption()
  program
    .command('completion')
    .description('print a completion script for a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .action(lazily(actions.completion))

  program.commandsGroup('Plugins:')
  return program
}

/** A command in a list of commands. At the top its name alone: what plugins bring is known by name there. */
function termOf(command: Command): string {
  const args = command.parent?.parent ? command.registeredArguments : []
  return [command.name(), ...args.map((arg) => `<${arg.name()}${arg.variadic ? '...' : ''}>`)].join(' ')
}

/** A flag that may stand several times. */
function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function setting(key: SettingKey, value: string): Option {
  const { flag, about } = SETTING_KEYS[key]
  return new Option(`${flag} ${value}`, about)
}
