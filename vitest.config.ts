import { defineConfig } from 'vitest/config'

/** Tests that start daemons share two cores with each other; more at once only makes them wait for one another. */
const DAEMON_TESTS_AT_ONCE = 2

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: DAEMON_TESTS_AT_ONCE,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
