import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Machine, until } from './machine.ts'
import type { Member } from './machines.ts'

/** Real daemons on loopback that all know each other, with the plugin that keeps notes in replica groups. */
export async function notesGridOf(count: number, machines: Machine[]): Promise<Member[]> {
  const members: Member[] = []
  for (let index = 0; index < count; index++) {
    const machine = new Machine({ ROOST_NAME: `n${index + 1}` })
    machines.push(machine)
    addNotes(machine)
    const ticket = index === 0 ? undefined : (await members[0]!.machine.json('invite')).ticket
    const daemon = await machine.up(...(ticket === undefined ? [] : ['--join', ticket]))
    const { id, addresses } = await machine.ask('/status')
    // All may be ended at once: who comes back is found where it was.
    machine.env['ROOST_PORT'] = /\/tcp\/(\d+)/.exec(addresses[0])![1]
    members.push({ machine, daemon, id })
  }
  for (const { machine } of members)
    await until('all know all', async () => (await machine.ask('/status')).nodes.alive === count)
  return members
}

/** The plugin as a package that only the configuration names. */
export function addNotes({ home }: Machine): void {
  installNotes(home)
  const config = join(home, '.config', 'roost')
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'config.yaml'), `plugins:\n  ${NOTES_PACKAGE}: {}\n`)
}

export const NOTES_PACKAGE = 'roost-plugin-notes'

/** Puts the package where daemons whose data lies below this directory find it. */
export function installNotes(home: string): void {
  const folder = join(home, 'node_modules', NOTES_PACKAGE)
  mkdirSync(folder, { recursive: true })
  const manifest = { name: NOTES_PACKAGE, version: '1.0.0', type: 'module', exports: './index.js' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const source = join(import.meta.dirname, 'notes-plugin.ts')
  writeFileSync(join(folder, 'index.js'), `export { plugin } from ${JSON.stringify(source)}\n`)
}
