export {
  AUTHORITY_MS,
  CERTIFICATE_BYTES_MAX,
  CERTIFICATE_MS,
  CHAIN_COUNT_MAX,
  CLOCK_TOLERANCE_MS,
  RENEWAL_SHARE,
  renewAtMs,
  roleUri,
} from './certificate.ts'
export type { Role } from './certificate.ts'
export {
  JOIN_PROTOCOL,
  POSSESSION_CONTEXT,
  parseJoinReply,
  parseJoinRequest,
  parsePresented,
  possession,
} from './messages.ts'
export type { JoinReply, JoinRequest, Presented, UserRequest } from './messages.ts'
export { NAME_CHARS_MAX, isMemberName, isVoName } from './names.ts'
export {
  NONCE_BYTES,
  NONCE_COUNT_MAX,
  NONCE_PER_SIGNER_COUNT_MAX,
  NonceMemory,
  STATEMENT_AGE_MS_MAX,
  STATEMENT_AHEAD_MS_MAX,
  STATEMENT_CONTEXT,
  parseSignedStatement,
  signStatement,
  statementToSign,
} from './statement.ts'
export {
  TICKET_ADDRESS_COUNT_MAX,
  TICKET_CHARS_MAX,
  TICKET_MS_DEFAULT,
  TICKET_MS_MAX,
  TICKET_PREFIX,
  TICKET_SECRET_BYTES,
  formatTicket,
  parseTicket,
  ticketPeer,
} from './ticket.ts'
export type { Ticket } from './ticket.ts'
