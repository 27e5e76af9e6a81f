export { ERROR_CODES, EXIT, type ErrorCode } from './codes.ts'
export {
  asRoostError,
  errorFromRecord,
  isErrorCode,
  RoostError,
  type ErrorRecord,
  type RoostErrorOptions,
} from './roost-error.ts'
