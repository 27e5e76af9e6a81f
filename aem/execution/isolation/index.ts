export { packEnvironment } from './environment.ts'
export { findIsolation, type FoundIsolation } from './find.ts'
export type { IsolatedView, Isolator, UnitUser } from './isolator.ts'
