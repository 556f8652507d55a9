// The control plane of this server: alone on LMDB, one of several on etcd, or none, where the
// server belongs to a system whose control hosts are others.
//
// Life cycle: open → (service starts) → serve → stop.

import {
  ControlPlane,
  FencedStore,
  Leadership,
  LmdbStore,
  systemClock,
  type Log,
  type MetadataStore,
} from '@daos/control';
import { readCertificates, type Certificates } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';
import type { ServerConfig } from '../config/server-config.js';
import type { EngineCommands } from './engine-commands.js';
import { systemEngines } from './system-engines.js';

export interface ControlHostOptions {
  readonly config: ServerConfig;
  /** For LMDB. */
  readonly directory: string;
  readonly commands: EngineCommands;
  readonly certificates: Certificates | undefined;
  readonly log: Log;
}

export class ControlHost {
  readonly #options: ControlHostOptions;
  readonly #store: MetadataStore | undefined;
  #plane: ControlPlane | undefined;
  #leadership: Leadership | undefined;
  #stopWatching: Disposable | undefined;
  #url = '';

  /** Heals what an earlier process left, where this host is the only one. */
  static async open(options: ControlHostOptions): Promise<ControlHost> {
    const { metadata, hosts } = options.config.control;
    if (hosts) return new ControlHost(options, undefined);
    if (!metadata) {
      const store = LmdbStore.open({ directory: options.directory });
      const host = new ControlHost(options, store);
      await host.#actAlone(store);
      return host;
    }
    const { EtcdStore } = await import('@daos/control/etcd-store');
    const { etcd, prefix, certificates } = metadata;
    const store = await EtcdStore.open({
      endpoints: etcd,
      prefix: prefix ?? `/daos/${options.config.name}`,
      ...(certificates !== undefined && {
        certificates: readCertificates(certificates, 'server'),
      }),
    });
    return new ControlHost(options, store);
  }

  private constructor(options: ControlHostOptions, store: MetadataStore | undefined) {
    this.#options = options;
    this.#store = store;
    if (store && options.config.control.metadata) this.#standBy(store);
  }

  /** DER_AGAIN where this server has none. */
  get control(): ControlPlane {
    if (this.#plane) return this.#plane;
    throw new DaosError('DER_AGAIN', 'this server is no control host');
  }

  /**
   * Where a request is to go instead; undefined: here. DER_AGAIN for a change while nobody acts, or
   * who is to act has not healed yet.
   */
  elsewhere(method: string): string | undefined {
    const { hosts, metadata } = this.#options.config.control;
    if (hosts) return hosts[0];
    if (!metadata || method === 'GET') return undefined;
    const leaderUrl = this.#leadership?.leaderUrl;
    if (leaderUrl !== undefined && leaderUrl !== this.#url) return leaderUrl;
    if (this.#plane !== undefined && this.#plane.term > 0) return undefined;
    throw new DaosError('DER_AGAIN', 'no control host acts yet: one will within moments');
  }

  /** Takes part in the choice of a leader, where there are several hosts. */
  serve(url: string): void {
    this.#url = url;
    const store = this.#store;
    if (!store || !this.#options.config.control.metadata) return;
    this.#leadership = new Leadership({
      store,
      url,
      clock: systemClock,
      log: this.#options.log,
      onLead: (term) => this.#lead(store, term),
      onLose: () => this.#standBy(store),
    });
    this.#leadership.start();
  }

  async stop(): Promise<void> {
    await this.#leadership?.stop();
    this.#stopWatching?.[Symbol.dispose]();
    await this.#store?.close();
  }

  async #actAlone(store: MetadataStore): Promise<void> {
    const plane = this.#planeOf(store, 0);
    // What is recorded of our ranks is of an earlier process: those engines are gone.
    for (const { rank, controlUrl } of await plane.listRanks()) {
      if (controlUrl === undefined || this.#options.commands.has(rank)) {
        await plane.setRankState(rank, 'stopped');
      }
    }
    await plane.heal();
    this.#stopWatching = watch(plane);
    this.#plane = plane;
  }

  async #lead(store: MetadataStore, term: number): Promise<void> {
    const plane = this.#planeOf(new FencedStore(store, term), term);
    await plane.heal();
    this.#stopWatching = watch(plane);
    this.#plane = plane;
  }

  #standBy(store: MetadataStore): void {
    this.#stopWatching?.[Symbol.dispose]();
    this.#stopWatching = undefined;
    this.#plane = this.#planeOf(new FencedStore(store), 0);
  }

  #planeOf(store: MetadataStore, term: number): ControlPlane {
    const { commands, certificates, log, config } = this.#options;
    const capabilityLifeMs = config.control.capability_life * 1000;
    const urlOf = async (rank: number) =>
      (await plane.listRanks()).find((known) => known.rank === rank)?.controlUrl;
    const engines = systemEngines({ commands, urlOf, certificates, term });
    const plane: ControlPlane = new ControlPlane({
      ...{ store, engines, log, term, capabilityLifeMs, systemName: config.name },
    });
    return plane;
  }
}

/** What the host that acts does on its own. */
function watch(plane: ControlPlane): Disposable {
  const parts = [plane.watchLeases(), plane.watchQuotas(), plane.watchUnfinished()];
  return { [Symbol.dispose]: () => parts.forEach((part) => part[Symbol.dispose]()) };
}
