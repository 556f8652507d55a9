// A metadata store that writes for one term alone.
//
// Several control hosts share a store, and one of them acts. A host that was paused may still
// believe it acts when another has taken over: each of its transactions therefore compares the key
// that says who leads, and changes nothing once that has another revision.

import { DaosError } from '@daos/model';
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

/** Holds who leads, tied to that host's lease. */
export const LEADER_KEY = '/leader';

export class FencedStore implements MetadataStore {
  readonly #store: MetadataStore;
  /** Revision of the leader's key; undefined: this host only reads. */
  readonly term: number | undefined;

  /** Borrows the store: closing this one does not close it. */
  constructor(store: MetadataStore, term?: number) {
    this.#store = store;
    this.term = term;
  }

  get(key: string): Promise<MetadataEntry | undefined> {
    return this.#store.get(key);
  }

  range(options: RangeOptions): Promise<RangeResult> {
    return this.#store.range(options);
  }

  /** DER_AGAIN when another host leads by now. */
  async txn(compare: readonly Compare[], changes: readonly Change[]): Promise<TransactionResult> {
    if (this.term === undefined) throw notLeading();
    const fence = { key: LEADER_KEY, modRevision: this.term };
    const result = await this.#store.txn([...compare, fence], changes);
    if (result.succeeded) return result;
    const leader = await this.#store.get(LEADER_KEY);
    if (leader?.modRevision !== this.term) throw notLeading();
    return result;
  }

  watch(options: WatchOptions): AsyncIterable<WatchEvent> {
    return this.#store.watch(options);
  }

  lease(ttlMs: number): Promise<Lease> {
    return this.#store.lease(ttlMs);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

const notLeading = () =>
  new DaosError('DER_AGAIN', 'this control host does not lead: another one acts, or will soon');
