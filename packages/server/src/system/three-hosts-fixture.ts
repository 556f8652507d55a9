// A system of three hosts for tests: network namespaces, each with a member of a real etcd cluster
// and a real server with an engine; mutual TLS, an agent, and the command lines as programs. Needs
// to be superuser.
//
// Life cycle: start → use → dispose.

import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ControlClient } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { generateCertificates } from '../certificates/generate-certificates.js';
import { EtcdCluster } from './etcd-cluster-fixture.js';
import { HostNetworks } from './host-networks-fixture.js';
import { WallClocks } from './wall-clocks-fixture.js';

const PACKAGES = join(import.meta.dirname, '../../..');
const SERVER = join(PACKAGES, 'server/dist/daos-server.js');
const AGENT = join(PACKAGES, 'agent/dist/daos-agent.js');
export const HOSTS = [0, 1, 2];
const PORT = 10_001;
const CONSOLE_PORT = 10_002;
const START_LIMIT_MS = 120_000;
const CERTIFICATE_AGE_MS = 4 * 3_600_000;
/** Of the last words of all programs. */
const SAID_LENGTH_MAX = 4000;

export type ProgramName = 'dmg' | 'daos';

export interface ThreeHostsOptions {
  /** Each server with its engine goes by a clock of its own; certificates are hours old. */
  readonly hasOwnClocks?: boolean;
}

export class ThreeHosts implements AsyncDisposable {
  readonly networks = new HostNetworks(HOSTS.length);
  readonly #scratch = mkdtempSync(join(tmpdir(), 'daos-hosts-'));
  readonly #clocks = new WallClocks(this.#scratch);
  readonly #hasOwnClocks: boolean;
  readonly #children: ChildProcess[] = [];
  #etcd: EtcdCluster | undefined;
  #said = '';

  static async start({ hasOwnClocks = false }: ThreeHostsOptions = {}): Promise<ThreeHosts> {
    const hosts = new ThreeHosts(hasOwnClocks);
    try {
      await hosts.#start();
    } catch (error) {
      await hosts[Symbol.asyncDispose]();
      throw error;
    }
    return hosts;
  }

  private constructor(hasOwnClocks: boolean) {
    this.#hasOwnClocks = hasOwnClocks;
  }

  /** Of a host with a clock of its own: so much ahead of the others from now on. */
  setClock(host: number, aheadMs: number): void {
    this.#clocks.set(String(host), aheadMs);
  }

  /** A program, of an administrator's, that has a container open. */
  startOpenHandle(pool: string, container: string): ChildProcess {
    const file = join(PACKAGES, 'cli/dist/open-handle-fixture.js');
    const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    const what = [this.#urls, this.part('certs'), pool, container];
    child.stdin.write(`${JSON.stringify(what)}\n`);
    return child;
  }

  /** A file of the test's own. */
  part(name: string): string {
    return join(this.#scratch, name);
  }

  urlOf(host: number): string {
    return `https://${this.networks.addressOf(host)}:${PORT}`;
  }

  /** As an administrator, who asks these hosts alone. */
  admin(hosts: readonly number[] = HOSTS): ControlClient {
    const certificates = readCertificates(this.part('certs'), 'admin');
    return new ControlClient({ url: this.#urlsOf(hosts), certificates });
  }

  /** One of the programs in a process of its own, with what it prints. Fails when it does. */
  async run(program: ProgramName, command: string): Promise<string> {
    const file = join(PACKAGES, `cli/dist/${program}-main.js`);
    const access =
      program === 'dmg'
        ? ['--control', this.#urls, '--certs', this.part('certs')]
        : ['--control', `unix:${this.part('agent.sock')}`];
    const parameters = [file, ...access, ...command.split(' ')];
    return (await promisify(execFile)(process.execPath, parameters)).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await this.#etcd?.[Symbol.asyncDispose]();
    this.networks[Symbol.dispose]();
    rmSync(this.#scratch, { recursive: true });
  }

  get #urls(): string {
    return this.#urlsOf(HOSTS);
  }

  #urlsOf(hosts: readonly number[]): string {
    return hosts.map((host) => this.urlOf(host)).join(',');
  }

  async #start(): Promise<void> {
    const addresses = HOSTS.map((host) => this.networks.addressOf(host));
    if (this.#hasOwnClocks) this.#makeOldCertificates(addresses);
    else generateCertificates({ directory: this.part('certs'), hosts: addresses, days: 1 });
    this.#etcd = await EtcdCluster.start(HOSTS.length, this.networks);
    for (const host of HOSTS) this.#launch(host, this.#etcd);
    await this.#untilStarted(async () => {
      const { ranks } = await this.admin().call('listRanks');
      return ranks.length === HOSTS.length && ranks.every(({ state }) => state === 'joined');
    });
    const access = ['--control', this.#urls, '--certs', this.part('certs')];
    const socket = ['--socket', this.part('agent.sock')];
    this.#spawn([process.execPath, AGENT, 'start', ...access, ...socket]);
    await this.#untilStarted(async () => existsSync(this.part('agent.sock')));
  }

  /** A clock that is behind finds them valid. */
  #makeOldCertificates(hosts: readonly string[]): void {
    const [program = '', ...byClock] = this.#clocks.commandOf('certificates');
    this.#clocks.set('certificates', -CERTIFICATE_AGE_MS);
    const which = ['-d', this.part('certs'), '--hosts', hosts.join(','), '--days', '1'];
    execFileSync(program, [...byClock, process.execPath, SERVER, 'cert', 'generate', ...which]);
  }

  #launch(host: number, etcd: EtcdCluster): void {
    const address = this.networks.addressOf(host);
    const config = this.part(`${host}.yml`);
    writeFileSync(
      config,
      `data_directory: ${this.part(String(host))}
fault_path: /host${host}
control:
  address: ${address}
  port: ${PORT}
  console_port: ${CONSOLE_PORT}
  certificates: ${this.part('certs')}
  metadata: { etcd: [${etcd.endpoints.join(', ')}] }
engines:
  - rank: ${host}
    address: ${address}
    transports: [tcp]
    storage: { capacity: 1GiB, memory: 512MiB }
`,
    );
    const command = [process.execPath, SERVER, 'start', '-c', config];
    const byClock = this.#hasOwnClocks ? this.#clocks.commandOf(String(host)) : [];
    this.#spawn([...this.networks.commandOf(host), ...byClock, ...command]);
  }

  #spawn([program = '', ...parameters]: readonly string[]): void {
    const child = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#children.push(child);
    child.stderr.on('data', (said: Buffer) => {
      this.#said = (this.#said + said.toString()).slice(-SAID_LENGTH_MAX);
    });
  }

  /** Waits for the start. Whoever ends before has said why. */
  async #untilStarted(wanted: () => Promise<boolean>): Promise<void> {
    await until(wanted, () => {
      const ended = this.#children.find(({ exitCode }) => exitCode !== null);
      if (ended) throw new Error(`${ended.spawnargs.join(' ')} ended: ${this.#said}`);
    });
  }
}

/** Asks again until it is so. `check` throws where it never will be. */
export async function until(
  wanted: () => Promise<boolean>,
  check: () => void = () => {},
): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  let reason: unknown = '';
  const refused = (error: unknown) => {
    reason = error;
    return false;
  };
  while (!(await wanted().catch(refused))) {
    check();
    if (performance.now() > deadline) {
      throw new Error(`not in time: ${wanted.toString()} ${String(reason)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
