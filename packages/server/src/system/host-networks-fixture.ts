// Network namespaces as the hosts of a system, on a bridge of their own, for tests: each host has
// an address and a cable that can be pulled. Needs to be superuser, and iproute2.
//
// Life cycle: create → (cut ⇄ mend)… → dispose, which takes all of it away.

import { spawnSync } from 'node:child_process';

/** Browsers on this host drop their connections whenever an address of it comes or goes. */
const NO_ADDRESS_OF_ITS_OWN = ['addrgenmode', 'none'];

export class HostNetworks implements Disposable {
  /** Of the bridge: where this process is. */
  readonly address: string;
  readonly #name: string;
  readonly #prefix: string;
  readonly #count: number;

  static isAvailable(): boolean {
    const probe = `daosprobe${process.pid}`;
    if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return false;
    run('netns', 'del', probe);
    return true;
  }

  /** Names and addresses come from the process id: tests beside each other do not meet. */
  constructor(count: number) {
    this.#count = count;
    this.#name = `daos${process.pid}`;
    this.#prefix = `10.${200 + (process.pid % 50)}.${Math.floor(process.pid / 50) % 250}`;
    this.address = `${this.#prefix}.254`;
    try {
      run('link', 'add', this.#bridge, 'type', 'bridge');
      run('link', 'set', this.#bridge, ...NO_ADDRESS_OF_ITS_OWN);
      run('addr', 'add', `${this.address}/24`, 'dev', this.#bridge);
      run('link', 'set', this.#bridge, 'up');
      for (let host = 0; host < count; host++) this.#addHost(host);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  addressOf(host: number): string {
    return `${this.#prefix}.${host + 1}`;
  }

  /** What runs a program on a host: goes before its name. */
  commandOf(host: number): string[] {
    return ['ip', 'netns', 'exec', this.#namespaceOf(host)];
  }

  /** Nothing reaches the host, and it reaches nobody, until `mend`. */
  cut(host: number): void {
    run('link', 'set', this.#cableOf(host), 'down');
  }

  mend(host: number): void {
    run('link', 'set', this.#cableOf(host), 'up');
  }

  [Symbol.dispose](): void {
    for (let host = 0; host < this.#count; host++) {
      spawnSync('ip', ['link', 'del', this.#cableOf(host)]);
      spawnSync('ip', ['netns', 'del', this.#namespaceOf(host)]);
    }
    spawnSync('ip', ['link', 'del', this.#bridge]);
  }

  #addHost(host: number): void {
    const namespace = this.#namespaceOf(host);
    const cable = this.#cableOf(host);
    const end = `${cable}e`;
    run('netns', 'add', namespace);
    run('link', 'add', cable, 'type', 'veth', 'peer', 'name', end, 'netns', namespace);
    run('link', 'set', cable, ...NO_ADDRESS_OF_ITS_OWN);
    run('link', 'set', cable, 'master', this.#bridge, 'up');
    run('-n', namespace, 'addr', 'add', `${this.addressOf(host)}/24`, 'dev', end);
    run('-n', namespace, 'link', 'set', end, 'up');
    run('-n', namespace, 'link', 'set', 'lo', 'up');
  }

  get #bridge(): string {
    return `${this.#name}b`;
  }

  #namespaceOf(host: number): string {
    return `${this.#name}-${host}`;
  }

  #cableOf(host: number): string {
    return `${this.#name}v${host}`;
  }
}

function run(...parameters: string[]): void {
  const { status, stderr } = spawnSync('ip', parameters);
  if (status === 0) return;
  throw new Error(`ip ${parameters.join(' ')}: ${stderr?.toString().trim()}`);
}
