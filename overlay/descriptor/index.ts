export { DescriptorChecker, VERIFIED_COUNT_MAX, type CheckResult } from './checker.ts'
export {
  ADDRESS_CHARS_MAX,
  ADDRESS_COUNT_MAX,
  checkDescriptor,
  DESCRIPTOR_CLOCK_TOLERANCE_MS,
  DESCRIPTOR_BYTES_MAX,
  DESCRIPTOR_LIFE_MS,
  DESCRIPTOR_NAME_CHARS_MAX,
  equalDescriptors,
  isNewer,
  mintDescriptor,
  readAddresses,
  readDescriptor,
  timeFault,
  type Descriptor,
  type DescriptorFault,
  type DescriptorFields,
} from './descriptor.ts'
export { derivedFrom, keyOf, peerKey } from './held.ts'
export { DescriptorOwner } from './owner.ts'
