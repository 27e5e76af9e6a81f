/** Exit statuses of the command line; `run` and `wait` give the job's own. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  unreachable: 5,
  unschedulable: 6,
  conflict: 7,
  timeout: 124,
  interrupted: 130,
} as const

interface CodeMeaning {
  /** The exit status of a command that ends with it. */
  readonly exit: (typeof EXIT)[keyof typeof EXIT]
  /** What it means, for docs/errors.md. */
  readonly meaning: string
  /** What to do, unless the place that throws knows better. */
  readonly hint: string
}

/** Every error code that roost gives. A code is a promise: it is never renamed or reused (docs/errors.md lists them all). */
export const ERROR_CODES = {
  // input
  USAGE: { exit: EXIT.usage, meaning: 'the command line cannot be understood', hint: 'see `roost help`' },
  EXPRESSION_MALFORMED: {
    exit: EXIT.usage,
    meaning: 'a query or expression has a syntax error',
    hint: 'docs/expressions.md has the language; `roost expr` tries an expression',
  },
  EXPRESSION_TOO_LARGE: {
    exit: EXIT.usage,
    meaning: 'an expression, or what it makes, is beyond the bounds',
    hint: 'make the expression shorter or split it',
  },
  JOB_MALFORMED: {
    exit: EXIT.usage,
    meaning: 'a job description is not valid',
    hint: 'see docs/jobs.md for what a job file may say',
  },
  JOB_FIELD_UNSUPPORTED: {
    exit: EXIT.usage,
    meaning: 'a job description asks for what this version does not do',
    hint: 'take the field out',
  },
  TICKET_MALFORMED: {
    exit: EXIT.usage,
    meaning: 'a ticket is not one, or was copied incompletely',
    hint: 'copy the whole line that `roost invite` printed',
  },
  CONFIG_MALFORMED: {
    exit: EXIT.usage,
    meaning: 'the configuration cannot be understood',
    hint: 'mend the file; docs/configuration.md lists what it may say',
  },
  MESSAGE_MALFORMED: {
    exit: EXIT.failed,
    meaning: 'a message from another node is not well formed',
    hint: 'both nodes should run neighbouring versions of roost',
  },
  MESSAGE_TOO_LARGE: { exit: EXIT.failed, meaning: 'a message is beyond its bound', hint: 'ask for less at once' },
  FILE_UNREADABLE: {
    exit: EXIT.usage,
    meaning: 'a file named on the command line cannot be read',
    hint: 'check the path and its permissions',
  },
  ATTRIBUTE_INVALID: {
    exit: EXIT.usage,
    meaning: 'an attribute has a bad name, kind or size',
    hint: 'names are letters, digits, `_` and `.`; values are numbers, text or lists of text',
  },
  APPLICATION_INVALID: {
    exit: EXIT.usage,
    meaning: 'an application has a bad name, endpoint, attribute or time to live',
    hint: 'see docs/applications.md for what may be published',
  },
  // trust
  TICKET_USED: {
    exit: EXIT.denied,
    meaning: 'a ticket was redeemed before',
    hint: 'ask for a new one: `roost invite` on a member machine',
  },
  TICKET_EXPIRED: {
    exit: EXIT.denied,
    meaning: 'a ticket is past its time',
    hint: 'ask for a new one: `roost invite` on a member machine',
  },
  TICKET_UNKNOWN: {
    exit: EXIT.denied,
    meaning: 'the grid that was asked never issued this ticket, or it belongs to another grid',
    hint: 'ask for a new one: `roost invite` on a member machine',
  },
  FINGERPRINT_MISMATCH: {
    exit: EXIT.denied,
    meaning: 'who answered is not the authority that the ticket names',
    hint: 'do not join; ask the person who invited you whether the ticket is right',
  },
  CREDENTIAL_INVALID: {
    exit: EXIT.denied,
    meaning: 'a certificate is not from this grid, or not for this key',
    hint: 'join the grid with a ticket: `roost join TICKET`',
  },
  CREDENTIAL_EXPIRED: {
    exit: EXIT.denied,
    meaning: 'a certificate is past its time',
    hint: 'check the clock; if it is right, join again with a new ticket',
  },
  SIGNATURE_INVALID: {
    exit: EXIT.denied,
    meaning: 'a signature does not match what it stands under',
    hint: 'try again; if it stays, something between here and there changes bytes',
  },
  STATEMENT_STALE: {
    exit: EXIT.denied,
    meaning: 'a signed request is too old, dated ahead, or was used before',
    hint: 'run the command again; if it stays, check the clocks of both machines',
  },
  SIGNATURE_REQUIRED: {
    exit: EXIT.denied,
    meaning: 'a request for a user is not signed by one',
    hint: 'use the command line or the typed client, which sign',
  },
  NOT_ADMITTED: {
    exit: EXIT.denied,
    meaning: 'a peer without valid credentials asked for more than to join',
    hint: 'join the grid with a ticket: `roost join TICKET`',
  },
  NOT_MEMBER: {
    exit: EXIT.denied,
    meaning: 'this user is not a member of the grid',
    hint: 'run it as the user who made or joined the grid on this machine, or join from a machine of your own',
  },
  DENIED: { exit: EXIT.denied, meaning: 'this user may not do that', hint: 'ask the owner' },
  AUTHORITY_UNREACHABLE: {
    exit: EXIT.unreachable,
    meaning: "the node that holds the grid's authority did not answer",
    hint: 'start it, or try again when it is back',
  },
  // network
  PEER_UNREACHABLE: {
    exit: EXIT.unreachable,
    meaning: 'a node could not be reached; nothing was sent',
    hint: '`roost nodes` shows who is alive',
  },
  CALL_TIMEOUT: {
    exit: EXIT.timeout,
    meaning: 'a node did not answer in time; what was asked may have happened',
    hint: 'look before trying again: `roost nodes`, `roost ps`',
  },
  CONNECTION_LOST: {
    exit: EXIT.unreachable,
    meaning: 'the connection broke before the answer; what was asked may have happened',
    hint: 'look before trying again: `roost nodes`, `roost ps`',
  },
  GROUP_UNREACHABLE: {
    exit: EXIT.unreachable,
    meaning:
      'no leader of a replica group answered in time; what was asked may have happened unless it is said to be certain',
    hint: 'try again; a group goes on while a majority of its members is up',
  },
  SESSION_EXPIRED: {
    exit: EXIT.failed,
    meaning: 'a replica group forgot a client before it answered; what was asked may have happened',
    hint: 'look before trying again',
  },
  PROTOCOL_UNKNOWN: {
    exit: EXIT.failed,
    meaning: 'the other node does not speak this protocol or version',
    hint: 'both nodes should run neighbouring versions of roost',
  },
  BUSY: { exit: EXIT.failed, meaning: 'a bounded queue is full', hint: 'try again in a moment' },
  CANCELLED: { exit: EXIT.interrupted, meaning: 'given up before it was done', hint: 'run it again' },
  TIMEOUT: { exit: EXIT.timeout, meaning: 'a deadline passed', hint: 'allow more time' },
  // daemon
  DAEMON_UNREACHABLE: {
    exit: EXIT.unreachable,
    meaning: 'no daemon answers on this machine',
    hint: 'start it: `roost up`',
  },
  NODE_LEAVING: {
    exit: EXIT.unreachable,
    meaning: 'the node is going down and takes nothing new; nothing was begun',
    hint: 'ask another node, or this one when it is back',
  },
  DAEMON_RUNNING: {
    exit: EXIT.conflict,
    meaning: 'another daemon has this data directory',
    hint: '`roost status` shows it; `roost down` stops it',
  },
  DAEMON_START_FAILED: {
    exit: EXIT.failed,
    meaning: 'the daemon ended before it was ready',
    hint: 'run `roost up` in the foreground to read why',
  },
  PORT_TAKEN: {
    exit: EXIT.conflict,
    meaning: 'another program listens on this port',
    hint: 'choose another: `roost up --port 0` takes any free one',
  },
  ADDRESS_UNAVAILABLE: {
    exit: EXIT.usage,
    meaning: 'this machine has no such address',
    hint: 'see `roost doctor` for the addresses of this machine',
  },
  DIRECTORY_UNWRITABLE: {
    exit: EXIT.failed,
    meaning: 'a directory that roost needs cannot be written',
    hint: 'choose another with --data, or mend its permissions',
  },
  DISK_FULL: {
    exit: EXIT.failed,
    meaning: 'there is no space left on the disk',
    hint: 'free some space; nothing that was acknowledged is lost',
  },
  STORE_FAILED: {
    exit: EXIT.failed,
    meaning: 'the database in the data directory could not be read or written',
    hint: '`roost doctor` checks the disk',
  },
  KEY_INVALID: {
    exit: EXIT.failed,
    meaning: 'a key file is damaged or readable by others',
    hint: 'restore it from a backup, or `chmod 600` it',
  },
  NODE_TOO_OLD: {
    exit: EXIT.failed,
    meaning: 'this Node.js is older than roost needs',
    hint: 'use the one that comes with roost: `./roost` or `npx roost`',
  },
  PLUGIN_FAILED: {
    exit: EXIT.failed,
    meaning: 'a plugin could not be loaded, started or asked',
    hint: '`roost status` shows each plugin with its error',
  },
  ALREADY_JOINED: {
    exit: EXIT.conflict,
    meaning: 'this machine is a member of a grid already',
    hint: 'leave it first: `roost leave`',
  },
  // things
  NODE_NOT_FOUND: { exit: EXIT.notFound, meaning: 'no node has this id', hint: '`roost nodes` lists them' },
  JOB_NOT_FOUND: { exit: EXIT.notFound, meaning: 'no job has this id', hint: '`roost ps --all` lists them' },
  UNIT_NOT_FOUND: {
    exit: EXIT.notFound,
    meaning: 'the job has no such unit',
    hint: '`roost show JOB` lists its units',
  },
  ID_AMBIGUOUS: { exit: EXIT.usage, meaning: 'several things begin with this prefix', hint: 'give more of the id' },
  ROUTE_NOT_FOUND: {
    exit: EXIT.notFound,
    meaning: 'the daemon has no such route',
    hint: 'GET /openapi.json lists them',
  },
  RECORD_NOT_FOUND: {
    exit: EXIT.notFound,
    meaning: 'the directory has no record under this key',
    hint: 'it may be gone, or not have spread yet: try again',
  },
  RECORD_REFUSED: {
    exit: EXIT.failed,
    meaning: 'no node took a directory record',
    hint: 'try again when more nodes are up',
  },
  RECORD_STALE: {
    exit: EXIT.failed,
    meaning: 'a directory record is past its time, or a newer one is known',
    hint: 'check the clocks of both machines',
  },
  APPLICATION_NOT_FOUND: {
    exit: EXIT.notFound,
    meaning: 'nobody who is alive publishes an application under this name',
    hint: '`roost app find` lists what is published',
  },
  ENDPOINT_UNREACHABLE: {
    exit: EXIT.unreachable,
    meaning: 'no endpoint of an application could be reached',
    hint: '`roost app find` shows its endpoints; check that it listens there',
  },
  CONTROLLER_UNKNOWN: {
    exit: EXIT.conflict,
    meaning: 'the node was told that another one controls these jobs',
    hint: 'whoever controls them now asks again by itself',
  },
  CONTROLLER_SUPERSEDED: {
    exit: EXIT.conflict,
    meaning: 'another node has taken over the jobs that this one controlled; nothing was done',
    hint: 'ask again: the job is looked up anew',
  },
  CONFLICT: { exit: EXIT.conflict, meaning: 'it stands in a state that does not allow this', hint: 'look at it first' },
  UNSCHEDULABLE: {
    exit: EXIT.unschedulable,
    meaning: 'no set of nodes can run this job',
    hint: 'try its `where` with `roost find`',
  },
  UNIT_FAILED: { exit: EXIT.failed, meaning: 'a unit could not be started', hint: '`roost show JOB` has the reason' },
  SIMULATION_VIOLATION: {
    exit: EXIT.failed,
    meaning: 'a simulated run broke a promise',
    hint: 'the replay line shows it again',
  },
  INTERNAL: {
    exit: EXIT.failed,
    meaning: 'a mistake of roost itself',
    hint: 'please report it, with what `--verbose` prints',
  },
} as const satisfies Record<string, CodeMeaning>

export type ErrorCode = keyof typeof ERROR_CODES
