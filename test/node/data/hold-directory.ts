import { openDataDirectory } from '../../../node/data/index.ts'

// Holds a data directory until it is killed, and says when it has it.
await openDataDirectory(process.argv[2]!)
process.stdout.write('open\n')
setInterval(() => undefined, 60_000)
