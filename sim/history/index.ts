export { findNonlinearizable, type Model, type Operation } from './linearizability.ts'
