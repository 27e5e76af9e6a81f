import { execFileSync } from 'node:child_process'

/**
 * Networks of a test, made of network namespaces: a public one whose hosts reach each other, and homes behind a router with NAT, which
 * lets out whatever asks to and nobody in. The public one is cut in two, cables are pulled out, and hosts get other addresses, as the
 * test says. All of it exists inside this machine alone, under addresses for documentation (RFC 5737, 3849), and goes when the test
 * ends. Takes root, `ip` and `nft`.
 */

/** A host of a test's network. */
export interface TestHost {
  /** The command that runs another there. */
  readonly through: readonly string[]
  /** Tells hosts apart, and stands in their public addresses. */
  readonly number: number
}

/** Why there are none on this machine; undefined where there are. */
export function whyNoNamespaces(): string | undefined {
  const probe = `roost-probe-${process.pid}`
  try {
    run('ip', 'netns', 'add', probe)
    try {
      inside(probe, 'nft', 'add', 'table', 'ip', 'probe')
    } finally {
      run('ip', 'netns', 'del', probe)
    }
    return undefined
  } catch (thrown) {
    return `no network namespaces with nftables here: ${(thrown as Error).message.split('\n')[0]}`
  }
}

/** All homes are numbered alike, as real ones are. */
const HOME = '192.168.1'

export class TestInternet {
  readonly #namespaces: string[] = []
  readonly #prefix = `roost-${process.pid}`
  readonly #hub: string
  #count = 0

  constructor() {
    sweep()
    this.#hub = this.#add('hub')
    inside(this.#hub, 'ip', 'link', 'add', 'bridge', 'type', 'bridge')
    inside(this.#hub, 'ip', 'link', 'set', 'bridge', 'up')
  }

  /** A host with public addresses of both versions. */
  publicHost(): TestHost {
    const namespace = this.#add('public')
    this.#join(namespace)
    return this.#host(namespace)
  }

  /** A host behind a router of its own. */
  hiddenHost(): TestHost {
    const router = this.#add('router')
    const namespace = this.#add('hidden')
    this.#join(router)
    link(router, 'inner', namespace, 'eth')
    inside(router, 'ip', 'addr', 'add', `${HOME}.1/24`, 'dev', 'inner')
    inside(namespace, 'ip', 'addr', 'add', `${HOME}.${this.#count}/24`, 'dev', 'eth')
    inside(namespace, 'ip', 'route', 'add', 'default', 'via', `${HOME}.1`)
    inside(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    const rules = `
      table ip home {
        chain out { type nat hook postrouting priority srcnat; oifname "eth" masquerade; }
        chain through { type filter hook forward priority filter; policy drop;
          iifname "inner" accept; ct state established,related accept; }
        chain in { type filter hook input priority filter; iifname "eth" ct state new drop; }
      }`
    inside(router, 'nft', rules)
    return this.#host(namespace)
  }

  /** Loses whatever public hosts of the one side send to those of the other, without a word to anybody, until `heal`. */
  cut(one: readonly TestHost[], other: readonly TestHost[]): void {
    this.heal()
    const ports = (hosts: readonly TestHost[]): string => hosts.map(({ number }) => `"${portOf(number)}"`).join(', ')
    const rules = `
      table bridge cut {
        chain between { type filter hook forward priority filter;
          iifname { ${ports(one)} } oifname { ${ports(other)} } drop
          iifname { ${ports(other)} } oifname { ${ports(one)} } drop
        }
      }`
    inside(this.#hub, 'nft', rules)
  }

  heal(): void {
    inside(this.#hub, 'nft', 'add table bridge cut; delete table bridge cut')
  }

  /** Pulls a public host's cable out at the far end, where it does not see it, or plugs it in again. */
  plug({ number }: TestHost, isIn: boolean): void {
    inside(this.#hub, 'ip', 'link', 'set', portOf(number), isIn ? 'up' : 'down')
  }

  /** Gives a public host other addresses, as DHCP and a new prefix do; those that it had are gone. */
  readdress({ through, number }: TestHost): void {
    const namespace = through.at(-1)!
    inside(namespace, 'ip', 'addr', 'flush', 'dev', 'eth', 'scope', 'global')
    address(namespace, number + RENUMBERED)
  }

  end(): void {
    for (const namespace of this.#namespaces.splice(0)) run('ip', 'netns', 'del', namespace)
  }

  #add(kind: string): string {
    const name = `${this.#prefix}-${kind}-${++this.#count}`
    run('ip', 'netns', 'add', name)
    this.#namespaces.push(name)
    inside(name, 'ip', 'link', 'set', 'lo', 'up')
    return name
  }

  #host(namespace: string): TestHost {
    return { through: ['ip', 'netns', 'exec', namespace], number: this.#count }
  }

  /** A cable from the public network, and public addresses. */
  #join(namespace: string): void {
    const port = portOf(this.#count)
    link(this.#hub, port, namespace, 'eth')
    inside(this.#hub, 'ip', 'link', 'set', port, 'master', 'bridge')
    address(namespace, this.#count)
  }
}

/** Takes away what a test left that was killed. */
function sweep(): void {
  for (const [name, pid] of execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).matchAll(
    /^roost-(\d+)-\S+/gm,
  )) {
    try {
      process.kill(Number(pid), 0)
    } catch {
      run('ip', 'netns', 'del', name)
    }
  }
}

function portOf(number: number): string {
  return `port${number}`
}

/** Numbers of hosts stay below. */
const RENUMBERED = 100

function address(namespace: string, number: number): void {
  inside(namespace, 'ip', 'addr', 'add', `192.0.2.${number}/24`, 'dev', 'eth')
  inside(namespace, 'ip', 'addr', 'add', `2001:db8::${number}/64`, 'dev', 'eth', 'nodad')
}

function link(left: string, leftName: string, right: string, rightName: string): void {
  inside(left, 'ip', 'link', 'add', leftName, 'type', 'veth', 'peer', 'name', rightName, 'netns', right)
  inside(left, 'ip', 'link', 'set', leftName, 'up')
  inside(right, 'ip', 'link', 'set', rightName, 'up')
}

function inside(namespace: string, ...command: readonly string[]): void {
  run('ip', 'netns', 'exec', namespace, ...command)
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
