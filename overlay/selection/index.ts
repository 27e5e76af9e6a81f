export { Cell } from './cell.ts'
export { selectionWire, type Holding, type SelectionMessage } from './messages.ts'
export {
  Selection,
  SELECTION_DEFAULTS,
  type SelectionDependencies,
  type SelectionEvent,
  type SelectionOptions,
  type SelectionTimer,
} from './selection.ts'
