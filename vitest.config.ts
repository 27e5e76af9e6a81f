import { defineConfig } from 'vitest/config'

/** Test files that run at once. Many start daemons; more of them on two cores only wait for one another. */
const FILES_AT_ONCE = 2

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: FILES_AT_ONCE,
    // Bounds for what hangs, on a machine that others use too; nothing is asserted about time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/count-reporter.ts'],
  },
})
