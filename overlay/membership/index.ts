export { isGone, type Member, type MemberState } from './member.ts'
export { Membership, type MembershipDependencies, type MembershipEvent, type MembershipTimer } from './membership.ts'
export { membershipWire, type MembershipMessage, type Update } from './messages.ts'
export { MEMBERSHIP_DEFAULTS, type MembershipOptions } from './options.ts'
