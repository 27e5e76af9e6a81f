import type { Command } from 'commander'
import { RoostError } from '../../../overlay/index.ts'
import { addAllPluginCommands } from '../plugin-commands.ts'
import type { Flags } from '../action.ts'
import type { Session } from '../session.ts'

/** A command with its own commands and flags, as completion needs it. */
interface Words {
  /** The words that lead here: empty for the root. */
  readonly path: readonly string[]
  readonly commands: readonly { readonly name: string; readonly about: string }[]
  readonly flags: readonly string[]
}

const SHELLS: Readonly<Record<string, (all: readonly Words[]) => string>> = { bash, zsh, fish }

/** `roost completion SHELL`: made from the command line itself, so that it never lags behind. */
export async function completion(
  session: Session,
  [shell]: readonly string[],
  _flags: Flags,
  program: Command,
): Promise<void> {
  const make = Object.hasOwn(SHELLS, shell!) ? SHELLS[shell!] : undefined
  if (!make)
    throw new RoostError('USAGE', `no completion for the shell "${shell}"`, {
      hint: `there is one for ${Object.keys(SHELLS).join(', ')}`,
    })
  await addAllPluginCommands(program, session)
  const script = make(collect(program, []))
  session.output.document({ shell, script })
  session.output.line(script.trimEnd())
}

function collect(command: Command, path: readonly string[]): Words[] {
  const globals = ['--json', '--verbose', '--data', '--config', '--help']
  const own: Words = {
    path,
    commands: [
      ...command.commands.map((child) => ({ name: child.name(), about: child.description() })),
      ...(path.length === 0 ? [{ name: 'help', about: 'explain a command' }] : []),
      ...command.registeredArguments.flatMap((argument) => WORDS_OF_ARGUMENTS[argument.name()] ?? []),
    ],
    flags: [...new Set([...command.options.flatMap((option) => option.long ?? []), ...globals])],
  }
  return [own, ...command.commands.flatMap((child) => collect(child, [...path, child.name()]))]
}

const LAST = { name: '@last', about: 'the last job that was submitted' }

/** Words that arguments of these names may be; where there are none, the shell offers files. */
const WORDS_OF_ARGUMENTS: Readonly<Record<string, Words['commands']>> = {
  shell: Object.keys(SHELLS).map((name) => ({ name, about: `for ${name}` })),
  job: [LAST],
  jobs: [LAST],
}

/** The longer paths first: the first that fits is taken. `node` is not the beginning of `nodes`. */
function cases(all: readonly Words[], body: (words: Words) => string): string {
  return all
    .toReversed()
    .map((words) => {
      const path = words.path.join(' ')
      return `    ${path === '' ? '*' : `" ${path}"|" ${path} "*`}) ${body(words)} ;;`
    })
    .join('\n')
}

function bash(all: readonly Words[]): string {
  const body = ({ commands, flags }: Words): string =>
    `words="${commands.map(({ name }) => name).join(' ')}" flags="${flags.join(' ')}"`
  return `# roost completion bash > ~/.local/share/bash-completion/completions/roost
_roost() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= word words flags
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      --) return ;;
      -*|help) ;;
      *) path="$path $word" ;;
    esac
  done
  case $path in
${cases(all, body)}
  esac
  case $current in -*) words=$flags ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _roost roost
`
}

function zsh(all: readonly Words[]): string {
  const body = ({ commands, flags }: Words): string => {
    const described = commands.map(({ name, about }) => `'${quoteZsh(`${name}:${about}`)}'`)
    return `found=(${described.join(' ')}) flags=(${flags.join(' ')})`
  }
  return `#compdef roost
# roost completion zsh > "\${fpath[1]}/_roost"
_roost() {
  local path_="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $word in
      --) _files; return ;;
      -*|help) ;;
      *) path_="$path_ $word" ;;
    esac
  done
  local -a found flags
  case $path_ in
${cases(all, body)}
  esac
  if [[ $PREFIX == -* ]]; then
    compadd -- $flags
  elif (( $#found )); then
    _describe roost found
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_roost" ]; then _roost "$@"; else compdef _roost roost; fi
`
}

function quoteZsh(text: string): string {
  return text.replace(/'/g, `'\\''`)
}

function fish(all: readonly Words[]): string {
  const lines = all.flatMap(({ path, commands, flags }) => {
    const condition = path.length === 0 ? '__fish_use_subcommand' : seenInFish(path, all)
    return [
      ...commands.map(
        ({ name, about }) => `complete -c roost -f -n '${condition}' -a ${name} -d '${quoteFish(about)}'`,
      ),
      ...flags.map((flag) => `complete -c roost -n '${condition}' -l ${flag.replace(/^--/, '')}`),
    ]
  })
  return `# roost completion fish > ~/.config/fish/completions/roost.fish\n${lines.join('\n')}\n`
}

/** All words of the path stand there, and none that leads further: `down` is a command, and so is `dev down`. */
function seenInFish(path: readonly string[], all: readonly Words[]): string {
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`)
  const groups = all.filter((words) => words.path.length === 1 && path.length === 1 && words.path[0] !== path[0])
  const others = groups
    .filter(({ commands }) => commands.some(({ name }) => name === path[0]))
    .map((words) => `not __fish_seen_subcommand_from ${words.path[0]}`)
  return [...seen, ...others].join('; and ')
}

function quoteFish(text: string): string {
  return text.replace(/[\\']/g, '\\$&')
}
