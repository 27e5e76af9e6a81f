/** Files in the data directory that the daemon makes and its clients look for. */

/** The Unix socket of the HTTP surface; whoever can open it is the daemon's own user. */
export const SOCKET_NAME = 'roost.sock'
/** The bearer token of the loopback way, in one line. */
export const TOKEN_NAME = 'api.token'
/** The log of a daemon that runs detached. */
export const LOG_NAME = 'daemon.log'
