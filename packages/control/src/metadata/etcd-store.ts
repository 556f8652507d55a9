// The metadata store of several control hosts, on etcd.
//
// All keys lie under one prefix, so that systems share a cluster. Revisions are the cluster's:
// between two of ours there may be those of others.
//
// A watch that names no revision starts after the newest one this client has seen: it may report
// what another host changed a moment before, and never misses what happens after.

import { DaosError } from '@daos/model';
import {
  Etcd3,
  type IKeyValue,
  type IOptions,
  type IRequestOp,
  type IWatchResponse,
  type Lease as EtcdLease,
  type Watcher,
} from 'etcd3';
import type { Certificates } from '../service/service-tls.js';
import { CALL_OPTIONS, callPatiently, PATIENCE_MS, storeError } from './etcd-calls.js';
import { EtcdTransactions } from './etcd-transactions.js';
import { checkKey, checkLeaseTtl, checkTransaction } from './limits.js';
import type {
  Change,
  Compare,
  Lease,
  MetadataEntry,
  MetadataStore,
  RangeOptions,
  RangeResult,
  TransactionResult,
  WatchEvent,
  WatchOptions,
} from './metadata-store.js';
import { WatchQueue } from './watch-queue.js';

const NO_LEASE = '0';
/** For a cluster that was never reached. */
const OPEN_PATIENCE_MS = 3000;
/** What is not given back expires. */
const REVOKE_PATIENCE_MS = 1500;
/** How often a renewal is tried within the time of its lease. */
const RENEWAL_COUNT = 4;
const MS_PER_SECOND = 1000;

export interface EtcdStoreOptions {
  /** Members of the cluster, as `http://127.0.0.1:2379`. */
  readonly endpoints: readonly string[];
  /** Before every key, as `/daos/mysystem`. */
  readonly prefix: string;
  /** For members with https. */
  readonly certificates?: Certificates;
}

export class EtcdStore implements MetadataStore {
  readonly #client: Etcd3;
  readonly #prefix: string;
  readonly #transactions: EtcdTransactions;
  readonly #queues = new Set<WatchQueue>();
  #revisionSeen = 0;
  #closed = false;

  /** DER_UNREACH when no member answers. */
  static async open({
    endpoints,
    prefix,
    certificates,
  }: EtcdStoreOptions): Promise<EtcdStore> {
    const options: IOptions = {
      hosts: [...endpoints],
      dialTimeout: 5000,
      ...CALL_OPTIONS,
      ...(certificates && { credentials: credentialsOf(certificates) }),
    };
    const store = new EtcdStore(new Etcd3(options), prefix);
    try {
      const key = store.#encode('/');
      await store.#call(() => store.#client.kv.range({ key }), OPEN_PATIENCE_MS);
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  private constructor(client: Etcd3, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    this.#transactions = new EtcdTransactions(client, `${prefix}.marks/`, () => this.#closed);
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    this.#checkOpen();
    checkKey(key);
    const answer = await this.#call(() => this.#client.kv.range({ key: this.#encode(key) }));
    const [found] = answer.kvs;
    return found && this.#entryOf(found);
  }

  async range({ prefix, after, limit }: RangeOptions): Promise<RangeResult> {
    this.#checkOpen();
    const isAfter = after !== undefined && after >= prefix;
    const answer = await this.#call(() =>
      this.#client.kv.range({
        key: isAfter ? this.#encode(`${after}\0`) : this.#encode(prefix),
        range_end: endOf(this.#encode(prefix)),
        ...(limit !== undefined && { limit }),
      }),
    );
    return {
      entries: answer.kvs.map((found) => this.#entryOf(found)),
      revision: Number(answer.header.revision),
    };
  }

  async txn(compare: readonly Compare[], changes: readonly Change[]): Promise<TransactionResult> {
    this.#checkOpen();
    checkTransaction(compare, changes);
    const result = await this.#transactions.run(
      compare.map(({ key, modRevision }) => ({
        key: this.#encode(key),
        target: 'Mod',
        result: 'Equal',
        mod_revision: modRevision,
      })),
      changes.map((change) => this.#operationOf(change)),
    ).catch((error: unknown) => {
      throw this.#closed ? closed() : error;
    });
    this.#see(result.revision);
    return result;
  }

  watch({ prefix, afterRevision, signal }: WatchOptions): AsyncIterable<WatchEvent> {
    this.#checkOpen();
    const start = (afterRevision ?? this.#revisionSeen) + 1;
    const watcher = this.#client
      .watch()
      .prefix(this.#encode(prefix))
      .startRevision(String(start))
      .watcher();
    const queue = new WatchQueue(() => {
      this.#queues.delete(queue);
      watcher.cancel().catch(() => {});
    });
    this.#queues.add(queue);
    this.#deliver(watcher, queue);
    if (signal?.aborted) queue.end();
    else signal?.addEventListener('abort', () => queue.end(), { once: true });
    return queue;
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#checkOpen();
    checkLeaseTtl(ttlMs);
    const seconds = Math.ceil(ttlMs / MS_PER_SECOND);
    const lease = this.#client.lease(seconds, { autoKeepAlive: false });
    const id = await this.#call(() => lease.grant());
    return this.#handleOf(lease, id, seconds * MS_PER_SECOND);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const queue of [...this.#queues]) queue.end();
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #handleOf(lease: EtcdLease, id: string, ttlMs: number): Lease {
    let isRevoked = false;
    return {
      id,
      ttlMs,
      keepAlive: async () => {
        if (isRevoked) throw leaseGone();
        const attemptMs = ttlMs / RENEWAL_COUNT;
        await this.#call(
          () => lease.keepaliveOnce({ deadline: Date.now() + attemptMs }),
          ttlMs - attemptMs,
        );
      },
      revoke: async () => {
        if (isRevoked) return;
        isRevoked = true;
        const revoke = () => this.#client.leaseClient.leaseRevoke({ ID: id });
        await this.#call(revoke, REVOKE_PATIENCE_MS).catch((error) => {
          // It has expired: that is what was wanted.
          if (!DaosError.is(error, 'DER_NONEXIST')) throw error;
        });
      },
    };
  }

  #operationOf(change: Change): IRequestOp {
    if ('delete' in change) return { request_delete_range: { key: this.#encode(change.delete) } };
    const { put, value, leaseId } = change;
    return {
      request_put: {
        key: this.#encode(put),
        value: Buffer.from(value),
        ...(leaseId !== undefined && { lease: leaseId }),
      },
    };
  }

  #deliver(watcher: Watcher, queue: WatchQueue): void {
    watcher.on('data', (answer: IWatchResponse) => {
      this.#see(answer.header.revision);
      for (const event of answer.events) {
        const entry = this.#entryOf(event.kv);
        const { key, modRevision } = entry;
        queue.push(
          event.type === 'Put' ? { type: 'put', entry } : { type: 'delete', key, modRevision },
        );
      }
    });
    watcher.on('error', (error) => queue.end(storeError(error)));
    watcher.on('end', () => queue.end());
  }

  #entryOf(found: IKeyValue): MetadataEntry {
    return {
      key: found.key.toString().slice(this.#prefix.length),
      value: found.value.toString(),
      createRevision: Number(found.create_revision),
      modRevision: Number(found.mod_revision),
      ...(found.lease !== NO_LEASE && { leaseId: found.lease }),
    };
  }

  #encode(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  #see(revision: string | number): void {
    this.#revisionSeen = Math.max(this.#revisionSeen, Number(revision));
  }

  async #call<T extends object | string>(
    action: () => Promise<T>,
    patienceMs = PATIENCE_MS,
  ): Promise<T> {
    try {
      const answer = await callPatiently(action, { patienceMs, isClosed: () => this.#closed });
      const { header } = answer as { header?: { revision: string } };
      if (header) this.#see(header.revision);
      return answer;
    } catch (error) {
      throw this.#closed ? closed() : error;
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }
}

function credentialsOf({ authority, certificate, key }: Certificates) {
  return {
    rootCertificate: Buffer.from(authority),
    privateKey: Buffer.from(key),
    certChain: Buffer.from(certificate),
  };
}

/** The first key after all that begin with `prefix`. */
function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] ?? 0;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.from([0]);
}

const closed = () => new DaosError('DER_SHUTDOWN', 'the metadata store is closed');
const leaseGone = () => new DaosError('DER_NONEXIST', 'the lease has expired or was revoked');
