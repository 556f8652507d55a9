// Answers that were given to requests with an idempotency key, so that a repeated one is answered
// and not carried out.
//
// Two parts keep the promise. Requests under way in this process are joined by their repetitions.
// Answers that were given are in the store for a day. Between the end of an operation and the
// record of its answer the service may be killed: creations know their key themselves, and
// deletions are finished by then.

import { createHash } from 'node:crypto';
import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { Clock } from '../clock.js';
import { readRecord } from '../control-context.js';
import type { MetadataStore } from '../metadata/metadata-store.js';
import { RecordType } from '../records/record.js';

export const ANSWER_LIFE_MS = 24 * 3600 * 1000;
const PREFIX = '/answers/';
/** Answers are forgotten this many at a time, beside new ones. */
const SWEEP_COUNT = 8;

const answerRecord = new RecordType({
  name: 'answer',
  migrations: [],
  schema: z.object({
    /** Of method, path and body: the same key with another request is a mistake of the caller. */
    digest: z.string(),
    body: z.unknown(),
    givenMs: z.int(),
  }),
});

export class AnsweredRequests {
  readonly #clock: Clock;
  readonly #running = new Map<string, { digest: string; answer: Promise<unknown> }>();
  #sweptAfter: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The answer that was given to this request before, or that `run` gives now. Failures are not
   * kept: repeating may mend them. DER_INVAL when the key belongs to another request.
   */
  async once(
    store: MetadataStore,
    key: string,
    request: readonly unknown[],
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const digest = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const running = this.#running.get(key);
    if (running) {
      checkSame(key, running.digest, digest);
      return await running.answer;
    }
    const answer = this.#answer(store, key, digest, run);
    this.#running.set(key, { digest, answer });
    try {
      return await answer;
    } finally {
      this.#running.delete(key);
    }
  }

  async #answer(
    store: MetadataStore,
    key: string,
    digest: string,
    run: () => Promise<unknown>,
  ): Promise<unknown> {
    const known = await readRecord({ store }, answerRecord, PREFIX + key);
    const now = this.#clock.wallMs();
    if (known && now - known.fields.givenMs < ANSWER_LIFE_MS) {
      checkSame(key, known.fields.digest, digest);
      return known.fields.body;
    }
    const body = await run();
    const value = answerRecord.encode({ digest, body, givenMs: now });
    const expired = await this.#findExpired(store, now);
    await store.txn(
      [],
      [
        { put: PREFIX + key, value },
        ...expired.filter((old) => old !== PREFIX + key).map((old) => ({ delete: old })),
      ],
    );
    return body;
  }

  /** Walks round the answers a few at a time, so that none stays much longer than it must. */
  async #findExpired(store: MetadataStore, now: number): Promise<string[]> {
    const after = this.#sweptAfter;
    const page = { prefix: PREFIX, limit: SWEEP_COUNT, ...(after !== undefined && { after }) };
    const { entries } = await store.range(page);
    this.#sweptAfter = entries.length < SWEEP_COUNT ? undefined : entries.at(-1)?.key;
    return entries
      .filter((entry) => now - answerRecord.decode(entry).fields.givenMs >= ANSWER_LIFE_MS)
      .map((entry) => entry.key);
  }
}

function checkSame(key: string, known: string, digest: string): void {
  if (known === digest) return;
  throw new DaosError('DER_INVAL', `Idempotency-Key '${key}' belongs to another request`);
}
