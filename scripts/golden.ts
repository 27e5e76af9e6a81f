/** Adds the bytes of messages that are new to `test/golden/`. Lines that stand there stay as they are, for ever. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from '../node/codec/index.ts'
import type { Plain } from '../overlay/index.ts'
import { goldenProtocols } from '../test/golden/examples.ts'

for (const { name, parse, examples } of goldenProtocols) {
  const path = join(import.meta.dirname, '../test/golden', `${name}.tsv`)
  const standing = existsSync(path) ? readFileSync(path, 'utf8') : ''
  for (const [type, example] of Object.entries(examples)) {
    parse(example)
    const line = `${type}\t${Buffer.from(encode(example as Plain)).toString('hex')}\n`
    if (!standing.includes(line)) appendFileSync(path, line)
  }
}
