import { setTimeout as sleep } from 'node:timers/promises'
import { Machine, until } from './machine.ts'
import { askRaw, socketOf, type Answer, type Asked } from './raw-http.ts'

/** A machine's daemon, asked over its socket from this process: a command costs a process each. */
export class DaemonClient {
  readonly machine: Machine

  constructor(machine: Machine) {
    this.machine = machine
  }

  ask(path: string, asked?: Asked): Promise<Answer> {
    return askRaw(socketOf(this.machine.dataDir), path, asked)
  }

  /** Whether it answers now. */
  async isUp(): Promise<boolean> {
    return (await this.ask('/status').catch(() => undefined))?.status === 200
  }

  async status(): Promise<any> {
    return (await this.ask('/status')).body
  }

  /** Names of the nodes that it believes to be in a state. */
  async names(state: 'alive' | 'suspect' | 'dead' | 'left'): Promise<string[]> {
    const { nodes } = (await this.ask('/nodes')).body
    return nodes
      .filter((node: any) => node.state === state)
      .map((node: any) => node.name)
      .sort()
  }

  async job(id: string): Promise<any> {
    return (await this.ask(`/aem/jobs/${id}`)).body
  }

  async metric(name: string): Promise<number> {
    const { text } = await this.ask('/metrics')
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN)
  }

  async untilUp(): Promise<void> {
    await until('the daemon answers', () => this.isUp())
  }

  /** Asked again and again for so long, it answers each time. */
  async staysUp(forMs: number): Promise<void> {
    const untilMs = performance.now() + forMs
    while (performance.now() < untilMs) {
      if (!(await this.isUp())) throw new Error('the daemon does not answer any more')
      await sleep(100)
    }
  }
}
