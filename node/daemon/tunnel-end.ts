import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import {
  RoostError,
  ownerOf,
  parseTunnelRequest,
  type PeerId,
  type SignedApplicationRecord,
} from '../../overlay/index.ts'

/** A program on this machine takes a connection at once or is not there. */
const CONNECT_MS = 5_000

/** Who asks for a tunnel, as the connection has proved, and to what. */
export interface TunnelAsked {
  readonly peer: PeerId
  readonly record: SignedApplicationRecord['record']
  readonly vo: string
}

/**
 * Who may connect: nodes that the VO has admitted, to what is published under it. The gate has let in nobody else; a finer policy has its
 * place here. Throws `DENIED`.
 */
export function demandMayConnect({ record, vo }: TunnelAsked): void {
  if (record.vo !== vo) throw new RoostError('DENIED', `${record.name} is published in another grid`)
}

/**
 * Where a tunnel ends at the publisher: at an endpoint that is published here at this moment, on this machine, and nowhere else. Rejects
 * with `APPLICATION_NOT_FOUND`, `DENIED`, or `ENDPOINT_UNREACHABLE` where nothing listens there.
 */
export async function connectToEndpoint(
  peer: PeerId,
  asked: unknown,
  { published, vo }: { readonly published: readonly SignedApplicationRecord[]; readonly vo: string },
): Promise<Socket> {
  const { name, instance, owner, endpoint } = parseTunnelRequest(asked)
  const signed = published.find(
    ({ record }) =>
      record.name === name && record.instance === instance && (owner === undefined || ownerOf(record) === owner),
  )
  const address = signed?.record.endpoints[endpoint]
  if (signed === undefined || address === undefined)
    throw new RoostError('APPLICATION_NOT_FOUND', `this node does not publish that endpoint of ${name}`)
  demandMayConnect({ peer, record: signed.record, vo })
  const { hostname, port } = new URL(address)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (!isHere(host))
    throw new RoostError('DENIED', `${address} is not on the machine that publishes it`, {
      hint: 'a tunnel ends on the machine of its publisher; reach this address directly, or publish it there',
    })
  return await connected(host, Number(port === '' ? DEFAULT_PORTS[new URL(address).protocol] : port), address)
}

/** What `new URL` leaves out where it is the scheme's own. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'ws:': 80,
  'wss:': 443,
  'ftp:': 21,
}

function isHere(host: string): boolean {
  if (host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)) return true
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host))
}

function connected(host: string, port: number, address: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  const fail = (cause: Error): void => {
    socket.destroy()
    reject(new RoostError('ENDPOINT_UNREACHABLE', `nothing answers at ${address}`, { cause }))
  }
  socket.setTimeout(CONNECT_MS, () => fail(new Error(`no connection within ${CONNECT_MS} ms`)))
  socket.once('error', fail)
  socket.once('connect', () => {
    socket.setTimeout(0)
    socket.off('error', fail)
    resolve(socket)
  })
  return promise
}
