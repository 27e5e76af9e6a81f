export { diskError } from './disk-error.ts'
export { isSafeName, resolveWithin } from './names.ts'
