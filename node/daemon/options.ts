import type { AttributeValue } from '../../overlay/index.ts'

/** Everything that a daemon is told when it starts; flags, environment and configuration files are merged before. */
export interface DaemonOptions {
  /** Keys, credentials, database, sockets. One daemon at a time. */
  readonly dataDir: string
  /** Where the user's key and certificates lie, for the first member of a new grid and for who joins. */
  readonly userDir: string
  /** What people call this node; the host's name unless said otherwise. */
  readonly name: string
  /** The user who starts it, as the member's certificate shall say. */
  readonly userName: string
  /** IP addresses to listen on, and the TCP port; 0 takes any free one. */
  readonly listen: readonly string[]
  readonly port: number
  /** The loopback port of the HTTP surface; 0 takes any free one. */
  readonly apiPort: number
  /** Join this grid first. Without it, and without credentials on disk, a new grid is made. */
  readonly ticket?: string
  /** The name of a new grid; one is made up without it. */
  readonly gridName?: string
  /** Which plugins run: built-in names and package names, each with its settings. */
  readonly plugins: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Attributes that the operator adds. */
  readonly labels: Readonly<Record<string, AttributeValue>>
  /** Programs to look for on the PATH, offered as `Software`. */
  readonly software: readonly string[]
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** JSON lines, or readable ones for a terminal. */
  readonly logFormat: 'json' | 'pretty'
}
