export { ERROR_CODES, EXIT, type ErrorCode } from './codes.ts'
export {
  asRoostError,
  errorFromRecord,
  isErrorCode,
  RoostError,
  type ErrorRecord,
  type RoostErrorOptions,
} from './roost-error.ts'
export { diskFault, type DiskFault } from './disk-fault.ts'
export { nearest } from './nearest.ts'
