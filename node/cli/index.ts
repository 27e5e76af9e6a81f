export { runCommandLine, type CommandLineHost } from './command-line.ts'
