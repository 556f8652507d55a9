// Where control metadata lives: a small ordered map with revisions, compare-and-set, watches and
// leases.
//
// The shape is etcd's, because two drivers must fit it: LMDB on one control host, etcd on three or
// five. Nothing above this interface knows which one it talks to.
//
// Invariant: every successful transaction that changes something raises the store's revision by
//            exactly one, and all its changes carry that revision.
// Invariant: a promise of `txn` that resolved is durable: the change survives a kill and a power
//            cut.
// Invariant: a watch delivers the changes of its prefix in revision order, none twice and none left
//            out.

/** A key with its value and the revisions at which it was created and last changed. */
export interface MetadataEntry {
  readonly key: string;
  readonly value: string;
  /**
   * Revision of the transaction that created the key; the key may have been deleted and created
   * again.
   */
  readonly createRevision: number;
  /** Revision of the transaction that changed the key last: what a compare-and-set compares. */
  readonly modRevision: number;
  readonly leaseId?: string;
}

/** A condition of a transaction. `modRevision` 0 asks that the key be absent. */
export interface Compare {
  readonly key: string;
  readonly modRevision: number;
}

/**
 * A change of a transaction. Deleting an absent key does nothing. No key may occur twice in one
 * transaction.
 */
export type Change =
  | { readonly put: string; readonly value: string; readonly leaseId?: string }
  | { readonly delete: string };

export interface TransactionResult {
  /** Whether every condition held; nothing was changed otherwise. */
  readonly succeeded: boolean;
  /** The store's revision after the transaction. */
  readonly revision: number;
}

export interface RangeOptions {
  readonly prefix: string;
  /** Only keys after this one, for paging. */
  readonly after?: string;
  /** At most so many entries; all of them when left out. */
  readonly limit?: number;
}

export interface RangeResult {
  /** In the order of the keys' UTF-8 bytes. */
  readonly entries: readonly MetadataEntry[];
  readonly revision: number;
}

/** One changed key, as a watch reports it. */
export type WatchEvent =
  | { readonly type: 'put'; readonly entry: MetadataEntry }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number };

export interface WatchOptions {
  readonly prefix: string;
  /**
   * Reports what changed after this revision, so that a range and a watch together miss nothing;
   * from now on when left out. A revision that the store has compacted away makes the watch fail
   * with DER_STALE: range again.
   */
  readonly afterRevision?: number;
  readonly signal?: AbortSignal;
}

/**
 * A promise to stay alive, to which keys can be tied: when it is not renewed in time, the store
 * deletes them.
 *
 * Life cycle: granted → kept alive any number of times → revoked by its owner, or expired.
 */
export interface Lease {
  readonly id: string;
  readonly ttlMs: number;
  /**
   * Starts the time to live anew. Fails with DER_NONEXIST when the lease has expired or was
   * revoked.
   */
  keepAlive(): Promise<void>;
  /** Deletes the keys tied to the lease. Revoking twice is fine. */
  revoke(): Promise<void>;
}

/**
 * The store; every method fails with a DaosError (DER_NOSPACE when its disk is full, DER_SHUTDOWN
 * once closed).
 */
export interface MetadataStore extends AsyncDisposable {
  get(key: string): Promise<MetadataEntry | undefined>;
  range(options: RangeOptions): Promise<RangeResult>;
  /**
   * Applies `changes` at one revision if every condition of `compare` holds, and nothing otherwise.
   */
  txn(compare: readonly Compare[], changes: readonly Change[]): Promise<TransactionResult>;
  /**
   * Ends when the signal aborts or the store closes. Each item holds the changes of one revision,
   * one after the other.
   */
  watch(options: WatchOptions): AsyncIterable<WatchEvent>;
  lease(ttlMs: number): Promise<Lease>;
  close(): Promise<void>;
}
