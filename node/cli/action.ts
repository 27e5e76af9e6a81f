import type { Command } from 'commander'
import type { Session } from './session.ts'

/** A command's flags by their names in camel case: text, or true; a list where a flag may stand several times. */
export type Flags = Readonly<Record<string, string | true | readonly string[] | undefined>>

/** What a command does, with its arguments, its flags and the whole command line around it. */
export type Action = (session: Session, args: readonly string[], flags: Flags, program: Command) => Promise<void>
