// Answers that were given to requests with an idempotency key, so that a repeated one is answered
// and not carried out.
//
// Two parts keep the promise. Requests under way in this process are joined by their repetitions.
// Answers that were given are in the store for a day. Between the end of an operation and the
// record of its answer the service may be killed: creations know their key themselves, what can be
// done once alone has written its answer ahead (../records/answer-record.ts), and all else comes to
// the same when it is done again.

import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import { readRecord } from '../control-context.js';
import type { MetadataStore } from '../metadata/metadata-store.js';
import {
  ANSWER_PREFIX,
  answerRecord,
  type AnswerFields,
  type RequestIdentity,
} from '../records/answer-record.js';
import type { ReportProgress } from '../work-progress.js';
import { checkSameRequest, RunningRequests } from './running-requests.js';

export const ANSWER_LIFE_MS = 24 * 3600 * 1000;
/** Answers are forgotten this many at a time, beside new ones. */
const SWEEP_COUNT = 8;

export class AnsweredRequests {
  readonly #clock: Clock;
  readonly #running: RunningRequests;
  #sweptAfter: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#running = new RunningRequests(clock);
  }

  /**
   * The answer that was given to this request before, or that `run` gives now; after `waitMs` a
   * StillRunning. Failures are not kept for longer than it takes to tell them: repeating may mend
   * them. DER_INVAL when the key belongs to another request.
   */
  async once(
    store: MetadataStore,
    key: string,
    request: readonly unknown[],
    run: (identity: RequestIdentity, report: ReportProgress) => Promise<unknown>,
    waitMs?: number,
  ): Promise<unknown> {
    const digest = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    return await this.#running.join({ key, digest, waitMs }, (report) =>
      this.#answer(store, { key, digest }, (identity) => run(identity, report)),
    );
  }

  /** When no request is under way any more, whether or not somebody waits for it. */
  async settled(): Promise<void> {
    await this.#running.settled();
  }

  async #answer(
    store: MetadataStore,
    identity: RequestIdentity,
    run: (identity: RequestIdentity) => Promise<unknown>,
  ): Promise<unknown> {
    const { key, digest } = identity;
    const known = await readRecord({ store }, answerRecord, ANSWER_PREFIX + key);
    const now = this.#clock.wallMs();
    if (known && now - known.fields.givenMs < ANSWER_LIFE_MS) {
      checkSameRequest(key, known.fields.digest, digest);
      if (await isFinished(store, known.fields)) return known.fields.body;
    }
    const body = await run(identity);
    const value = answerRecord.encode({ digest, body, givenMs: now });
    const expired = await this.#findExpired(store, now);
    await store.txn(
      [],
      [
        { put: ANSWER_PREFIX + key, value },
        ...expired.filter((old) => old !== ANSWER_PREFIX + key).map((old) => ({ delete: old })),
      ],
    );
    return body;
  }

  /** Walks round the answers a few at a time, so that none stays much longer than it must. */
  async #findExpired(store: MetadataStore, now: number): Promise<string[]> {
    const after = this.#sweptAfter;
    const from = after !== undefined && { after };
    const page = { prefix: ANSWER_PREFIX, limit: SWEEP_COUNT, ...from };
    const { entries } = await store.range(page);
    this.#sweptAfter = entries.length < SWEEP_COUNT ? undefined : entries.at(-1)?.key;
    return entries
      .filter((entry) => now - answerRecord.decode(entry).fields.givenMs >= ANSWER_LIFE_MS)
      .map((entry) => entry.key);
  }
}

/** An answer ahead holds when what it tells of has come to its end. */
async function isFinished(
  store: MetadataStore,
  { unfinishedWhile }: AnswerFields,
): Promise<boolean> {
  if (!unfinishedWhile) return true;
  const entry = await store.get(unfinishedWhile.key);
  const now = entry && (JSON.parse(entry.value) as { state?: string });
  return now?.state !== unfinishedWhile.state;
}
