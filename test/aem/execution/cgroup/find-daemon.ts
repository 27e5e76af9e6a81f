import { readFileSync } from 'node:fs'
import { findCgroups } from '../../../../aem/execution/cgroup/index.ts'

/** Looks for groups of v2 from the group that it is in, and says what it found and where it then is. */
const memberships = readFileSync('/proc/self/cgroup', 'utf8')
const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  .split('\n')
  .filter((line) => line.includes(' - cgroup2 '))
  .join('\n')
const { driver } = await findCgroups({ mounts, memberships })
const group = await driver?.make('unit', { cores: 1 })
await group?.remove()
const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
process.stdout.write(JSON.stringify({ own, directory: group?.record.directories['unified'] }))
