// The metadata store of several control hosts, on etcd.
//
// All keys lie under one prefix, so that systems share a cluster. Revisions are the cluster's:
// between two of ours there may be those of others.
//
// A watch that names no revision starts after the newest one this client has seen: it may report
// what another host changed a moment before, and never misses what happens after.

import { DaosError, type DaosErrorCode } from '@daos/model';
import {
  Etcd3,
  EtcdLeaseInvalidError,
  GRPCDeadlineExceededError,
  GRPCResourceExhastedError,
  GRPCUnavailableError,
  type IKeyValue,
  type IOptions,
  type IRequestOp,
  type IWatchResponse,
  type Lease as EtcdLease,
  type Watcher,
} from 'etcd3';
import type { Certificates } from '../service/service-tls.js';
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
const CALL_TIMEOUT_MS = 1500;
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
      // A member whose host has fallen silent refuses nothing: another one is asked then.
      defaultCallOptions: ({ isStream }) =>
        isStream ? {} : { deadline: Date.now() + CALL_TIMEOUT_MS },
      ...(certificates && { credentials: credentialsOf(certificates) }),
    };
    const store = new EtcdStore(new Etcd3(options), prefix);
    await store.range({ prefix: '/', limit: 1 });
    return store;
  }

  private constructor(client: Etcd3, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
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
    const answer = await this.#call(() =>
      this.#client.kv.txn({
        compare: compare.map(({ key, modRevision }) => ({
          key: this.#encode(key),
          target: 'Mod',
          result: 'Equal',
          mod_revision: modRevision,
        })),
        success: changes.map((change) => this.#operationOf(change)),
        failure: [],
      }),
    );
    return { succeeded: answer.succeeded, revision: Number(answer.header.revision) };
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
        const deadline = Date.now() + ttlMs / RENEWAL_COUNT;
        await this.#call(() => lease.keepaliveOnce({ deadline }));
      },
      revoke: async () => {
        if (isRevoked) return;
        isRevoked = true;
        await this.#call(() => this.#client.leaseClient.leaseRevoke({ ID: id })).catch((error) => {
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

  #see(revision: string): void {
    this.#revisionSeen = Math.max(this.#revisionSeen, Number(revision));
  }

  async #call<T extends object | string>(action: () => Promise<T>): Promise<T> {
    try {
      const answer = await action();
      const { header } = answer as { header?: { revision: string } };
      if (header) this.#see(header.revision);
      return answer;
    } catch (error) {
      if (this.#closed) throw closed();
      throw storeError(error);
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

function storeError(error: unknown): DaosError {
  if (DaosError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DaosError(codeOf(error, message), `etcd: ${message}`, { cause: error });
}

function codeOf(error: unknown, message: string): DaosErrorCode {
  if (error instanceof EtcdLeaseInvalidError || /lease not found/.test(message)) {
    return 'DER_NONEXIST';
  }
  if (error instanceof GRPCUnavailableError) return 'DER_UNREACH';
  if (error instanceof GRPCDeadlineExceededError) return 'DER_TIMEDOUT';
  if (error instanceof GRPCResourceExhastedError) return 'DER_NOSPACE';
  // A watch that asks for compacted revisions is canceled without a reason; others have one.
  if (/compacted|Watcher canceled: $/.test(message)) return 'DER_STALE';
  return 'DER_IO';
}
