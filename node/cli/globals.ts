import { RoostError } from '../../overlay/index.ts'

/** What every command understands, wherever it stands among its words. */
export interface Globals {
  readonly json: boolean
  readonly verbose: boolean
  readonly data?: string
  readonly config?: string
}

export interface Scan {
  readonly globals: Globals
  /** The command's first word; undefined where there is none. After `help`, the word that help is asked for. */
  readonly word?: string
  /** Everything before `--` that is no flag: the words of the command, its arguments and values of its flags. */
  readonly words: readonly string[]
}

const WITH_VALUE = ['--data', '--config'] as const

/**
 * Reads the global flags and the command's word before the command line is parsed: which plugin has the word, and how a
 * failure is told, must be known by then. Nothing after `--` is read. `USAGE` where a flag lacks its value.
 */
export function scanGlobals(args: readonly string[]): Scan {
  const values: { data?: string; config?: string } = {}
  let json = false
  let verbose = false
  const words: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!
    if (arg === '--') break
    const flag = WITH_VALUE.find((name) => arg === name || arg.startsWith(`${name}=`))
    if (flag) {
      const value = arg === flag ? args[++index] : arg.slice(flag.length + 1)
      if (!value) throw new RoostError('USAGE', `${flag} needs a path`)
      values[flag === '--data' ? 'data' : 'config'] = value
    } else if (arg === '--json') json = true
    else if (arg === '--verbose') verbose = true
    else if (!arg.startsWith('-')) words.push(arg)
  }
  const word = words[0] === 'help' && words.length > 1 ? words[1] : words[0]
  return { globals: { json, verbose, ...values }, words, ...(word !== undefined && { word }) }
}
