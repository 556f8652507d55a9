// Work under way that requests wait for, each for as long as it likes: who comes again with the
// same key goes on waiting for the same work.
//
// Life cycle: (unknown) → running → ended → (unknown). What came of work whose caller was told to
//             come again is kept until it does, for a minute at most; of others nothing is.

import { DaosError } from '@daos/model';
import type { Clock } from '../clock.js';
import type { ReportProgress, WorkProgress } from '../work-progress.js';

/** In place of an answer: there is none yet. */
export class StillRunning {
  constructor(readonly progress: WorkProgress | undefined) {}
}

/** For so long an outcome waits for a caller that was told to come again. */
const OUTCOME_LIFE_MS = 60_000;

export interface Joining {
  readonly key: string;
  /** Of all that the request says: under one key it stays the same. */
  readonly digest: string;
  /** How long this request waits; undefined: to the end. */
  readonly waitMs: number | undefined;
}

interface Running {
  readonly digest: string;
  readonly answer: Promise<unknown>;
  progress: WorkProgress | undefined;
  /** Somebody was told that it goes on. */
  isAwaited: boolean;
}

export class RunningRequests {
  readonly #clock: Clock;
  readonly #running = new Map<string, Running>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts `run` unless it runs under that key. DER_INVAL when the key is another request's. */
  async join(
    { key, digest, waitMs }: Joining,
    run: (report: ReportProgress) => Promise<unknown>,
  ): Promise<unknown> {
    const running = this.#running.get(key) ?? this.#start(key, digest, run);
    checkSameRequest(key, running.digest, digest);
    try {
      const answer = await this.#within(running, waitMs);
      if (!(answer instanceof StillRunning)) this.#forget(key, running);
      return answer;
    } catch (error) {
      this.#forget(key, running);
      throw error;
    }
  }

  /** When nothing runs any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ answer }) => answer));
  }

  #start(key: string, digest: string, run: (report: ReportProgress) => Promise<unknown>): Running {
    let running: Running | undefined;
    const report: ReportProgress = (progress) => {
      if (running) running.progress = progress;
    };
    const answer = run(report);
    running = { digest, answer, progress: undefined, isAwaited: false };
    this.#running.set(key, running);
    const started = running;
    const end = () => {
      if (!started.isAwaited) return this.#forget(key, started);
      this.#clock.schedule(OUTCOME_LIFE_MS, () => this.#forget(key, started));
    };
    // Who waits is told of a failure; nobody may be waiting just now.
    answer.then(end, end);
    return running;
  }

  async #within(running: Running, waitMs: number | undefined): Promise<unknown> {
    if (waitMs === undefined) return await running.answer;
    let cancel = (): void => {};
    const late = new Promise<StillRunning>((resolve) => {
      cancel = this.#clock.schedule(waitMs, () => {
        running.isAwaited = true;
        resolve(new StillRunning(running.progress));
      });
    });
    try {
      return await Promise.race([running.answer, late]);
    } finally {
      cancel();
    }
  }

  #forget(key: string, running: Running): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}

export function checkSameRequest(key: string, known: string, digest: string): void {
  if (known === digest) return;
  throw new DaosError('DER_INVAL', `Idempotency-Key '${key}' belongs to another request`);
}
