import { GroupDatabase } from '../../../node/replica/index.ts'
import { entryOf } from './stored-states.ts'

// Writes entries to two groups until it is killed, and says which are settled.
const nothing = (): void => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const database = await GroupDatabase.open(process.argv[2]!, log)
for (const group of ['one', 'two']) {
  await database.add(group, 'notes')
  const { storage } = await database.load(group)
  storage.persist({ hardState: { term: 1, incarnation: 1 } }, () => undefined)
  let index = 0
  const write = (): void => {
    const mine = ++index
    storage.persist({ entries: [entryOf(mine, 1, 'x'.repeat(1_000))] }, () => {
      process.stdout.write(`${group} ${mine}\n`)
      write()
    })
  }
  for (let inFlight = 0; inFlight < 8; inFlight++) write()
}
