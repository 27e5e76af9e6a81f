import type { Session } from './session.ts'

/** A GET to the daemon, as JSON. */
export async function get<Reply>(session: Pick<Session, 'fetch'>, path: string): Promise<Reply> {
  return (await (await session.fetch(path)).json()) as Reply
}

/** JSON to the daemon, and its answer. */
export async function send<Reply>(
  session: Pick<Session, 'fetch'>,
  method: 'POST' | 'PUT',
  path: string,
  body: unknown,
): Promise<Reply> {
  const response = await session.fetch(path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await response.json()) as Reply
}
