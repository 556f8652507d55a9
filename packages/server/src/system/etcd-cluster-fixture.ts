// A real etcd cluster on loopback, for tests, with the heartbeats of a real one: quicker ones make
// a busy machine elect leaders for nothing.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostNetworks } from './host-networks-fixture.js';

export class EtcdCluster implements AsyncDisposable {
  readonly endpoints: readonly string[];
  readonly #members: readonly ChildProcess[];
  readonly #scratch: string;

  /** Each member on this host, or where `networks` say. */
  static async start(memberCount: number, networks?: HostNetworks): Promise<EtcdCluster> {
    const peers: string[] = [];
    const endpoints: string[] = [];
    for (let i = 0; i < memberCount; i++) {
      const address = networks?.addressOf(i) ?? '127.0.0.1';
      peers.push(`http://${address}:${await freePort()}`);
      endpoints.push(`http://${address}:${await freePort()}`);
    }
    const scratch = mkdtempSync(join(tmpdir(), 'daos-etcd-'));
    const cluster = peers.map((peer, i) => `m${i}=${peer}`).join(',');
    const members = peers.map((peer, i) => {
      const endpoint = endpoints[i] ?? '';
      const [program = '', ...before] = [...(networks?.commandOf(i) ?? []), 'etcd'];
      return spawn(
        program,
        [
          ...before,
          ...['--data-dir', join(scratch, String(i)), '--name', `m${i}`],
          ...['--initial-cluster', cluster],
          ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
          ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ],
        { stdio: 'ignore' },
      );
    });
    const failed = once(members[0] as ChildProcess, 'error').then(([error]) => {
      throw new Error(`etcd does not start (apt-get install etcd-server): ${String(error)}`);
    });
    await Promise.race([Promise.all(endpoints.map(waitHealthy)), failed]);
    return new EtcdCluster(endpoints, members, scratch);
  }

  private constructor(endpoints: string[], members: ChildProcess[], scratch: string) {
    this.endpoints = endpoints;
    this.#members = members;
    this.#scratch = scratch;
  }

  async kill(index: number): Promise<void> {
    const member = this.#members[index];
    if (!member || member.exitCode !== null || member.signalCode !== null) return;
    member.kill('SIGKILL');
    await once(member, 'exit');
  }

  /** It neither answers nor refuses anything from now on, like a host that has lost its cable. */
  pause(index: number): void {
    this.#members[index]?.kill('SIGSTOP');
  }

  resume(index: number): void {
    this.#members[index]?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of this.#members.keys()) await this.kill(index);
    rmSync(this.#scratch, { recursive: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function waitHealthy(endpoint: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${endpoint}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
