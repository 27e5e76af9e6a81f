import { LocalLauncher } from '../../../aem/execution/index.ts'
import type { UnitOrder } from '../../../aem/protocol/index.ts'

/**
 * A process that owns a launcher, to be killed: `node launcher-daemon.ts ROOT [ORDER]` starts the order, if there is one, or
 * recovers, says each thing that it learns as a line of JSON, and stays.
 */
const [root, order] = process.argv.slice(2)
const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const launcher = new LocalLauncher(
  {
    self: 'daemon',
    root: root!,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    fetchInput: () => Promise.reject(new Error('no inputs here')),
    onExit: (unitId, exit) => say({ unitId, exit }),
  },
  { graceMs: 200, outputBytesMax: 1024 * 1024 },
)
if (order === undefined) say({ recovered: await launcher.recover() })
else {
  await launcher.start(JSON.parse(order) as UnitOrder)
  say({ started: true })
}
setInterval(() => {}, 1_000_000)
