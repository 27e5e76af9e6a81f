import type { Plugin } from '../overlay/contract/index.ts'

/** Jobs. What it runs on and what its commands do are loaded when they are asked for. */
export const plugin: Plugin = {
  name: 'aem',
  version: '1',
  needs: [],
  provides: [],
  commands: {
    words: {
      submit: 'submit a job file, and go on',
      run: 'run a command on the grid: wait for it, show its output, exit as it does',
      ps: 'list jobs',
      show: 'show a job, its units, its attempts and what happened to it',
      why: 'say why a job does not run: what stands in the way at each node',
      logs: "print what a job's units wrote",
      events: 'print what happened to a job',
      wait: 'wait until jobs have ended',
      cancel: 'cancel jobs',
      get: 'fetch output files of a job',
    },
    load: async () => (await import('./commands/index.ts')).commands,
  },
  start: async (host) => (await import('./service/index.ts')).startJobs(host),
}

export type { JobApp } from './service/index.ts'
