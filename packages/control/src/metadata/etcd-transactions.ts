// Transactions of etcd that are carried out once, however often they are sent.
//
// When the answer of a transaction is lost, whether it was carried out is not known; sent again, it
// fails at the conditions that its own first success has changed. So each transaction also
// writes a mark, a key that no other transaction writes meanwhile, and is conditional on the mark
// being as the one before left it: of all that were sent, one can succeed, and if one has,
// the others see its count in the mark. A refusal is final, too: where it answers a repetition, it
// changes the mark's gate, another condition, so that what is still on its way can't succeed.
//
// Marks lie beside the keys of the system, not among them, and go away with a lease that nobody
// renews: a process takes new ones long before.
//
// Invariant: a mark is of one transaction at a time; one whose transaction was given up is not used
//            again, since that may still be carried out.

import { randomUUID } from 'node:crypto';
import type { Etcd3, ICompare, IRequestOp, ITxnResponse } from 'etcd3';
import { callPatiently } from './etcd-calls.js';
import type { TransactionResult } from './metadata-store.js';

const MARK_LIFE_S = 24 * 3600;
const MARK_USE_MS = (MARK_LIFE_S * 1000) / 4;

interface Mark {
  readonly key: Buffer;
  readonly leaseId: string;
  readonly madeMs: number;
  /** Of its last change, by a success; 0 when it was never written. */
  revision: number;
  readonly gate: Buffer;
  /** Of its last change, by a refusal. */
  gateRevision: number;
  /** Transactions that it was used for. */
  count: number;
}

export class EtcdTransactions {
  readonly #client: Etcd3;
  readonly #prefix: string;
  readonly #isClosed: () => boolean;
  readonly #free: Mark[] = [];
  #lease: { id: string; grantedMs: number } | undefined;

  /** `prefix`: of the marks, which nobody else writes below. */
  constructor(client: Etcd3, prefix: string, isClosed: () => boolean) {
    this.#client = client;
    this.#prefix = prefix;
    this.#isClosed = isClosed;
  }

  /** With encoded keys. Fails like `callPatiently`; then it is not known whether it succeeded. */
  async run(
    compare: readonly ICompare[],
    changes: readonly IRequestOp[],
  ): Promise<TransactionResult> {
    if (changes.length === 0) return await this.#compareAlone(compare);
    const mark = await this.#take();
    mark.count += 1;
    const isClosed = this.#isClosed;
    for (;;) {
      const result = await callPatiently(
        async (attempt) => resultOf(await this.#send(mark, compare, changes, attempt), mark),
        { isClosed },
      );
      if (!result) continue;
      this.#free.push(mark);
      return result;
    }
  }

  /** Changes nothing, so that it may be sent again as it is. */
  async #compareAlone(compare: readonly ICompare[]): Promise<TransactionResult> {
    const { succeeded, header } = await callPatiently(
      () => this.#client.kv.txn({ compare: [...compare], success: [], failure: [] }),
      { isClosed: this.#isClosed },
    );
    return { succeeded, revision: Number(header.revision) };
  }

  async #take(): Promise<Mark> {
    for (;;) {
      const mark = this.#free.pop();
      if (!mark) return await this.#make();
      if (performance.now() - mark.madeMs < MARK_USE_MS) return mark;
    }
  }

  async #make(): Promise<Mark> {
    const now = performance.now();
    if (!this.#lease || now - this.#lease.grantedMs > MARK_USE_MS) {
      const id = await callPatiently(
        async () => (await this.#client.leaseClient.leaseGrant({ TTL: MARK_LIFE_S })).ID,
        { isClosed: this.#isClosed },
      );
      this.#lease = { id, grantedMs: now };
    }
    const name = `${this.#prefix}${randomUUID()}`;
    return {
      key: Buffer.from(name),
      gate: Buffer.from(`${name}/gate`),
      leaseId: this.#lease.id,
      madeMs: now,
      revision: 0,
      gateRevision: 0,
      count: 0,
    };
  }

  async #send(
    mark: Mark,
    compare: readonly ICompare[],
    changes: readonly IRequestOp[],
    attempt: number,
  ): Promise<ITxnResponse> {
    const { key, gate, revision, gateRevision } = mark;
    const isAt = (of: Buffer, at: number): ICompare => ({
      key: of,
      target: 'Mod',
      result: 'Equal',
      mod_revision: at,
    });
    const use = (of: Buffer): IRequestOp => ({
      request_put: { key: of, value: Buffer.from(String(mark.count)), lease: mark.leaseId },
    });
    const looks: IRequestOp[] = [
      { request_range: { key } },
      { request_range: { key: gate } },
    ];
    return await this.#client.kv.txn({
      compare: [...compare, isAt(key, revision), isAt(gate, gateRevision)],
      success: [...changes, use(key)],
      failure: attempt === 1 ? looks : [...looks, use(gate)],
    });
  }
}

/**
 * What the transaction of `mark` came to, and the mark as it is now. Undefined when the gate alone
 * may have refused it: a refusal whose answer was lost, or that was late, had changed it.
 */
function resultOf(
  { header, succeeded, responses }: ITxnResponse,
  mark: Mark,
): TransactionResult | undefined {
  const revision = Number(header.revision);
  if (succeeded) {
    mark.revision = revision;
    return { succeeded: true, revision };
  }
  const [found, gate] = responses.map(({ response_range }) => response_range?.kvs[0]);
  const gateSeen = Number(gate?.mod_revision ?? 0);
  const isAsExpected = gateSeen === mark.gateRevision;
  mark.gateRevision = responses.length > 2 ? revision : gateSeen;
  if (found?.value.toString() === String(mark.count)) {
    mark.revision = Number(found.mod_revision);
    return { succeeded: true, revision: mark.revision };
  }
  return isAsExpected ? { succeeded: false, revision } : undefined;
}
