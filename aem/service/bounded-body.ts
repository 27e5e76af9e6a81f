import { RoostError } from '../../overlay/index.ts'

/** The text of another node's answer, which may be anybody's: `MESSAGE_TOO_LARGE` as soon as it is longer, and the rest is not read. */
export async function boundedText(response: Response, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new RoostError('MESSAGE_TOO_LARGE', `an answer of more than ${bytesMax} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** The same as JSON; `MESSAGE_MALFORMED` where it is none. */
export async function boundedJson(response: Response, bytesMax: number): Promise<unknown> {
  const text = await boundedText(response, bytesMax)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RoostError('MESSAGE_MALFORMED', 'an answer that is no JSON', { cause })
  }
}
