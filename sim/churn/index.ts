export { CHURN_SHARE_MAX, readChurn, type Churn } from './churn.ts'
export { DISTRIBUTION_KINDS, draw, drawResidual, meanOf, readDistribution, type Distribution } from './distribution.ts'
export { knownSystem, readSystem, SYSTEM_NAMES, type SystemChurn } from './systems.ts'
export { readTrace, type Session } from './trace.ts'
