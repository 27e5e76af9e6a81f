import type { Command } from 'commander'
import type { Session } from './session.ts'

/** A command's flags by their names in camel case: text, or true. */
export type Flags = Readonly<Record<string, string | true | undefined>>

/** What a command does, with its arguments, its flags and the whole command line around it. */
export type Action = (session: Session, args: readonly string[], flags: Flags, program: Command) => Promise<void>
