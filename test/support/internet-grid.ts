import type { ChildProcess } from 'node:child_process'
import { DaemonClient } from './daemon.ts'
import { Machine, until } from './machine.ts'
import { TestInternet, type TestHost } from './namespaces.ts'
import { addNotes } from './notes-grid.ts'

/** A real daemon on a host of its own. */
export interface Inhabitant {
  readonly name: string
  readonly host: TestHost
  readonly machine: Machine
  readonly client: DaemonClient
  readonly id: string
  readonly daemon: ChildProcess
}

/** Joining costs both sides some CPU; more at once only wait for one another. */
const JOINING_AT_ONCE = 2

/**
 * Real daemons in network namespaces, each on a host with public addresses of its own, with the plugin that keeps notes in replica
 * groups. They are asked over their sockets, which no cut reaches.
 */
export class InternetGrid {
  readonly internet = new TestInternet()
  readonly machines: Machine[] = []
  readonly members: Inhabitant[] = []

  static async of(count: number): Promise<InternetGrid> {
    const grid = new InternetGrid()
    try {
      const first = await grid.join('n1', grid.internet.publicHost())
      for (let number = 2; number <= count; number += JOINING_AT_ONCE) {
        const numbers = Array.from(
          { length: Math.min(JOINING_AT_ONCE, count - number + 1) },
          (_, index) => number + index,
        )
        await Promise.all(numbers.map((each) => grid.join(`n${each}`, grid.internet.publicHost(), first)))
      }
      await until('all know all', () => grid.isWhole(), 60_000)
      return grid
    } catch (thrown) {
      await grid.end()
      throw thrown
    }
  }

  /** A machine that has no daemon yet. */
  machineOn(name: string, { through }: TestHost, settings: Readonly<Record<string, string>> = {}): Machine {
    const network = { ROOST_NAME: name, ROOST_LISTEN: '0.0.0.0,::', ROOST_PORT: '7667' }
    const machine = new Machine({ ...network, ...settings }, through)
    this.machines.push(machine)
    return machine
  }

  /** Starts a daemon, in the grid of `by`, or in a new one. */
  async join(name: string, host: TestHost, by?: Inhabitant): Promise<Inhabitant> {
    const machine = this.machineOn(name, host)
    addNotes(machine)
    const ticket = by === undefined ? undefined : (await by.machine.json('invite')).ticket
    const daemon = await machine.up(...(ticket === undefined ? [] : ['--join', ticket]))
    const client = new DaemonClient(machine)
    const member = { name, host, machine, client, daemon, id: (await client.status()).id }
    this.members.push(member)
    return member
  }

  /** Whether every daemon has all of them as alive, and nobody else. */
  async isWhole(): Promise<boolean> {
    return this.agree(this.members)
  }

  /** Whether everybody is found by a query to any of them. */
  async answersWhole(): Promise<boolean> {
    const found = await Promise.all(this.members.map((member) => this.found(member)))
    return found.every((names) => names.join() === namesOf(this.members).join())
  }

  /** Whether each of these daemons has just these as alive. */
  async agree(among: readonly Inhabitant[]): Promise<boolean> {
    const expected = namesOf(among)
    const views = await Promise.all(among.map(({ client }) => client.names('alive')))
    return views.every((view) => view.join() === expected.join())
  }

  /** Who answers a query for everybody. */
  async found({ machine }: Inhabitant): Promise<string[]> {
    const { nodes } = await machine.ask('/find', { where: 'true', count: this.members.length, timeoutMs: 5_000 })
    return nodes.map((node: any) => node.name).sort()
  }

  async end(): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.end()))
    this.internet.end()
  }
}

export function namesOf(members: readonly Inhabitant[]): string[] {
  return members.map(({ name }) => name).sort()
}
