export { runSimCommand } from './cli.ts'
export * from './engine/index.ts'
