export { startDaemon, type Daemon, type DaemonDependencies } from './daemon.ts'
export type { DaemonOptions } from './options.ts'
export { runDaemon } from './run.ts'
