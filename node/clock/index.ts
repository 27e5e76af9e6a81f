export { steadyClock, SteadyClock, type SystemClocks } from './steady-clock.ts'
