// Repeats operations while an engine is being started again. Ours may be repeated: writing the same
// bytes twice changes nothing.

import type { Pool } from '@daos/client';
import { DaosError } from '@daos/model';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 100;

export class Persistence {
  readonly #pool: Pool;
  #refreshing: Promise<void> | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Fails with the action's own error when repeating cannot help, or has not for a minute. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await action();
      } catch (error) {
        const canHelp = DaosError.is(error) && error.retryable;
        if (!canHelp || performance.now() > deadline) throw error;
        await this.#refresh();
      }
    }
  }

  /** Many operations fail together; the map is fetched once for all. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#fetchMap().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #fetchMap(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    // A map without addresses says that the engine is not back yet: the next round asks again.
    await this.#pool.refresh().catch(() => {});
  }
}
