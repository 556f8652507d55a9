// A real etcd cluster on loopback, for tests, with the heartbeats of a real one: quicker ones make
// a busy machine elect leaders for nothing.

import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostNetworks } from './host-networks-fixture.js';

/** A member that has only just begun may take a question and never answer it. */
const ATTEMPT_MS = 5000;

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
    const names = peers.map((peer, i) => `m${i}=${peer}`).join(',');
    const members = peers.map((peer, i) => {
      const endpoint = endpoints[i] ?? '';
      const [program = '', ...before] = [...(networks?.commandOf(i) ?? []), 'etcd'];
      return spawn(
        program,
        [
          ...before,
          ...['--data-dir', join(scratch, String(i)), '--name', `m${i}`],
          ...['--initial-cluster', names],
          ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
          ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
    });
    const cluster = new EtcdCluster(endpoints, members, scratch);
    const giveUp = new AbortController();
    try {
      const healthy = endpoints.map((endpoint) => waitHealthy(endpoint, giveUp.signal));
      await Promise.race([Promise.all(healthy), ...members.map(earlyEnd)]);
    } catch (error) {
      giveUp.abort();
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
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

/** Below those that connections get on their own: nothing takes it before it is used. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Fails when a member ends, or never begins, with what it said last. */
async function earlyEnd(member: ChildProcess): Promise<never> {
  let said = '';
  member.stderr?.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-2000)));
  const [why] = await Promise.race([once(member, 'exit'), once(member, 'error')]);
  throw new Error(`etcd ended (apt-get install etcd-server): ${String(why)} ${said}`);
}

async function waitHealthy(endpoint: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const within = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
    const answer = await fetch(`${endpoint}/health`, { signal: within }).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
