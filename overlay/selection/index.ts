export { Answerer, isSignedAnswer } from './answerer.ts'
export { answerLocally, EVERYWHERE, touchedRegions, type LocalAnswer } from './answering.ts'
export { Cell } from './cell.ts'
export { CellGossip } from './cell-gossip.ts'
export { Contacts } from './contacts.ts'
export { Gone, GONE_COUNT_MAX } from './gone.ts'
export { Grouping } from './grouping.ts'
export { selectionWire, type CellName, type Claim, type SelectionMessage } from './messages.ts'
export { SELECTION_DEFAULTS, type SelectionOptions } from './options.ts'
export { PlanCache } from './plans.ts'
export { ALL_COUNT, questionWire, type Answer, type Question, type Referral, type Region } from './question.ts'
export {
  Selection,
  type SelectionDependencies,
  type SelectionEvent,
  type SelectionTimer,
  type Table,
} from './selection.ts'
