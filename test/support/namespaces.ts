import { execFileSync } from 'node:child_process'

/**
 * Networks of a test, made of network namespaces: a public one whose hosts reach each other, and homes behind a router with NAT, which
 * lets out whatever asks to and nobody in. All of it exists inside this machine alone, under addresses for documentation
 * (RFC 5737, 3849), and goes when the test ends. Takes root, `ip` and `nft`.
 */

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
    this.#hub = this.#add('hub')
    inside(this.#hub, 'ip', 'link', 'add', 'bridge', 'type', 'bridge')
    inside(this.#hub, 'ip', 'link', 'set', 'bridge', 'up')
  }

  /** A host with public addresses of both versions. Gives the command that runs another there. */
  publicHost(): readonly string[] {
    const host = this.#add('public')
    this.#join(host)
    return ['ip', 'netns', 'exec', host]
  }

  /** A host behind a router of its own. */
  hiddenHost(): readonly string[] {
    const router = this.#add('router')
    const host = this.#add('hidden')
    this.#join(router)
    link(router, 'inner', host, 'eth')
    inside(router, 'ip', 'addr', 'add', `${HOME}.1/24`, 'dev', 'inner')
    inside(host, 'ip', 'addr', 'add', `${HOME}.${this.#count}/24`, 'dev', 'eth')
    inside(host, 'ip', 'route', 'add', 'default', 'via', `${HOME}.1`)
    inside(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    const rules = `
      table ip home {
        chain out { type nat hook postrouting priority srcnat; oifname "eth" masquerade; }
        chain through { type filter hook forward priority filter; policy drop;
          iifname "inner" accept; ct state established,related accept; }
        chain in { type filter hook input priority filter; iifname "eth" ct state new drop; }
      }`
    inside(router, 'nft', rules)
    return ['ip', 'netns', 'exec', host]
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

  /** A cable from the public network, and public addresses. */
  #join(host: string): void {
    const number = this.#count
    link(this.#hub, `port${number}`, host, 'eth')
    inside(this.#hub, 'ip', 'link', 'set', `port${number}`, 'master', 'bridge')
    inside(host, 'ip', 'addr', 'add', `192.0.2.${number}/24`, 'dev', 'eth')
    inside(host, 'ip', 'addr', 'add', `2001:db8::${number}/64`, 'dev', 'eth', 'nodad')
  }
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
