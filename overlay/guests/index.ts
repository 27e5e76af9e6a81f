export { guestsWire, type GuestsMessage } from './messages.ts'
export {
  Guests,
  type GuestsDependencies,
  type GuestsEvent,
  type GuestsState,
  type GuestsTimer,
  type HomeCell,
} from './guests.ts'
export { GUESTS_DEFAULTS, type GuestsOptions } from './options.ts'
export { guestKey, Terms } from './terms.ts'
export { HeldVisit, signVisit, type Visit } from './visit.ts'
