export { programFor, type Program } from './program.ts'
export { search, type Charge, type Match, type SearchOptions } from './search.ts'
export { PatternFault, type PatternOptions } from './syntax.ts'
