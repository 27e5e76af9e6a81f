export { devDir, type DevDaemon, type DevGrid, firstRunning, isRunning, readGrid } from './grid-file.ts'
export {
  DAEMON_COUNT_MAX,
  killDaemon,
  replaceDaemon,
  restartDaemon,
  startGrid,
  stopGrid,
  type DevTools,
} from './grid.ts'
export { runDemo } from './demo.ts'
