import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { SOCKET_NAME } from '../../node/data/index.ts'

/** What a daemon answers to HTTP as no client of ours would send it. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** The body as JSON; undefined where it is none. */
  readonly body: any
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Sends the body in pieces of this many bytes with no length said before. */
  readonly chunkBytes?: number
}

export type Place = { readonly socketPath: string } | { readonly host: string; readonly port: number }

export function socketOf(dataDir: string): Place {
  return { socketPath: join(dataDir, SOCKET_NAME) }
}

export function loopbackOf(api: string): Place {
  const { hostname, port } = new URL(api)
  return { host: hostname, port: Number(port) }
}

/** One request, its path sent as it is written. */
export function askRaw(place: Place, path: string, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, chunkBytes } = asked
  return new Promise((resolve, reject) => {
    let isAnswered = false
    const outgoing = request({ ...place, path, method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: incoming.statusCode!, text, body: parsed(text) })
      })
    })
    // Refused early, a long body is not read to its end: then the answer counts, and not that writing failed.
    outgoing.on('response', () => (isAnswered = true))
    outgoing.on('error', (error) => (isAnswered ? undefined : reject(error)))
    if (chunkBytes === undefined || body === undefined) outgoing.end(body)
    else {
      const bytes = Buffer.from(body)
      for (let at = 0; at < bytes.length; at += chunkBytes) outgoing.write(bytes.subarray(at, at + chunkBytes))
      outgoing.end()
    }
  })
}

/** A connection on which nothing is sent yet. */
export function openRaw(place: Place): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect('socketPath' in place ? { path: place.socketPath } : place)
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** What comes back for these very bytes until the other side ends or `waitMs` are over. */
export async function sendRaw(place: Place, bytes: string | Uint8Array, waitMs = 5_000): Promise<string> {
  const socket = await openRaw(place)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  const ended = new Promise<void>((resolve) => {
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
    setTimeout(resolve, waitMs).unref()
  })
  socket.write(bytes)
  await ended
  socket.destroy()
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
