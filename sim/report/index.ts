export { documentOf, figuresOf, linesOf } from './text.ts'
