// Network namespaces as the hosts of a system, on a bridge of their own, for tests: each host has
// an address and a cable that can be pulled. Needs to be superuser, and iproute2.
//
// Life cycle: create → (cut ⇄ mend)… → dispose, which takes all of it away.

import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/** Browsers on this host drop their connections whenever an address of it comes or goes. */
const NO_ADDRESS_OF_ITS_OWN = ['addrgenmode', 'none'];
/** Names of interfaces have 15 characters: ours are `daos`, a process id, and what comes after. */
const BRIDGE = /\b(daos([0-9a-z]+)-\d)b\b/g;
const NETWORKS_PER_PROCESS_MAX = 10;

export class HostNetworks implements Disposable {
  /** Of the bridge: where this process is. */
  readonly address: string;
  readonly #name: string;
  readonly #prefix: string;
  readonly #count: number;

  static isAvailable(): boolean {
    const probe = `daosprobe${process.pid}`;
    spawnSync('ip', ['netns', 'del', probe]);
    if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return false;
    run('netns', 'del', probe);
    return true;
  }

  /** Names and addresses are nobody else's. What processes that died left behind is taken away. */
  constructor(count: number) {
    removeLeftBehind();
    this.#count = count;
    this.#name = newBridge();
    try {
      this.#prefix = freePrefix();
      this.address = `${this.#prefix}.254`;
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
    remove(this.#name, this.#count);
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

function run(...parameters: string[]): string {
  const { status, stdout, stderr } = spawnSync('ip', parameters);
  if (status === 0) return stdout.toString();
  throw new Error(`ip ${parameters.join(' ')}: ${stderr?.toString().trim()}`);
}

/** Its name without the `b`. One process may have several, also by modules that are loaded anew. */
function newBridge(): string {
  for (let index = 0; index < NETWORKS_PER_PROCESS_MAX; index++) {
    const name = `daos${process.pid.toString(36)}-${index}`;
    const added = spawnSync('ip', ['link', 'add', `${name}b`, 'type', 'bridge']);
    if (added.status === 0) return name;
    if (!/File exists/.test(added.stderr.toString())) throw new Error(String(added.stderr));
  }
  throw new Error(`process ${process.pid} has ${NETWORKS_PER_PROCESS_MAX} networks already`);
}

/** The first three bytes of addresses that no interface of this host has. */
function freePrefix(): string {
  const taken = run('-o', 'addr', 'show');
  for (;;) {
    const prefix = `10.${randomInt(200, 250)}.${randomInt(250)}`;
    if (!taken.includes(` ${prefix}.`)) return prefix;
  }
}

function removeLeftBehind(): void {
  for (const [, name = '', pid = ''] of run('-o', 'link', 'show').matchAll(BRIDGE)) {
    if (!isAlive(parseInt(pid, 36))) remove(name, NETWORKS_PER_PROCESS_MAX);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Whatever of it there is. */
function remove(name: string, hostCount: number): void {
  for (let host = 0; host < hostCount; host++) {
    spawnSync('ip', ['link', 'del', `${name}v${host}`]);
    spawnSync('ip', ['netns', 'del', `${name}-${host}`]);
  }
  spawnSync('ip', ['link', 'del', `${name}b`]);
}
