/** A body of NDJSON, line by line as it comes. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array> | null): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
}
