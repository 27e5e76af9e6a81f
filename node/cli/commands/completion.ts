import type { Command } from 'commander'
import { RoostError } from '../../../overlay/index.ts'
import { addPluginWords } from '../plugin-commands.ts'
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
  await addPluginWords(program, session)
  const script = make(collect(program, []))
  session.output.document({ shell, script })
  session.output.line(script.trimEnd())
}

function collect(command: Command, path: readonly string[]): Words[] {
  const globals = ['--json', '--verbose', '--data', '--config', '--help']
  const own: Words = {
    path,
    commands: command.commands.map((child) => ({ name: child.name(), about: child.description() })),
    flags: [...new Set([...command.options.flatMap((option) => option.long ?? []), ...globals])],
  }
  return [own, ...command.commands.flatMap((child) => collect(child, [...path, child.name()]))]
}

function candidates({ commands, flags }: Words): string {
  return [...commands.map((command) => command.name), ...flags].join(' ')
}

function bash(all: readonly Words[]): string {
  return `# roost completion bash > ~/.local/share/bash-completion/completions/roost
_roost() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="$path $word" ;; esac
  done
  local words
  case $path in
${all
  .toReversed()
  .map((words) => `    ${words.path.length > 0 ? `" ${words.path.join(' ')}"*` : '*'}) words="${candidates(words)}" ;;`)
  .join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _roost roost
`
}

function zsh(all: readonly Words[]): string {
  return `#compdef roost
# roost completion zsh > "\${fpath[1]}/_roost"
_roost() {
  local path="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] || path="$path $word"
  done
  local -a found
  case $path in
${all
  .toReversed()
  .map((words) => {
    const described = [
      ...words.commands.map(({ name, about }) => `'${quoteZsh(`${name}:${about}`)}'`),
      ...words.flags.map((flag) => `'${flag}'`),
    ]
    return `    ${words.path.length > 0 ? `" ${words.path.join(' ')}"*` : '*'}) found=(${described.join(' ')}) ;;`
  })
  .join('\n')}
  esac
  _describe roost found
  _files
}
_roost "$@"
`
}

function quoteZsh(text: string): string {
  return text.replace(/'/g, `'\\''`)
}

function fish(all: readonly Words[]): string {
  const lines = all.flatMap(({ path, commands, flags }) => {
    const condition = path.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.at(-1)}`
    return [
      ...commands.map(
        ({ name, about }) => `complete -c roost -f -n '${condition}' -a ${name} -d '${quoteFish(about)}'`,
      ),
      ...flags.map((flag) => `complete -c roost -n '${condition}' -l ${flag.replace(/^--/, '')}`),
    ]
  })
  return `# roost completion fish > ~/.config/fish/completions/roost.fish\n${lines.join('\n')}\n`
}

function quoteFish(text: string): string {
  return text.replace(/[\\']/g, '\\$&')
}
