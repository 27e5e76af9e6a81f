export { BoundedCache } from './bounded-cache.ts'
export { createCrypto, sha256 } from './crypto.ts'
export { loadKey, loadOrCreateKey } from './key-file.ts'
export { generateKey, importPublicKey, rawPrivateKey, rawPublicKey, spkiOf } from './key.ts'
export type { Key } from './key.ts'
export { peerIdOf, publicKeyOf } from './peer-id.ts'
export { createSurroundings, systemRng } from './surroundings.ts'
export {
  loadMemberCertificate,
  membershipsOf,
  openUser,
  removeMemberCertificate,
  signStatement,
  storeMemberCertificate,
} from './user.ts'
export type { User } from './user.ts'
