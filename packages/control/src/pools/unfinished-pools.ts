// Pools that could not be cleared away yet, because an engine was away, or the store did not answer
// for a moment: tried again, in turns, until they are gone.
//
// Life cycle: finish… → start → … → its disposal. What is left then the next heal finds again.

import { DaosError } from '@daos/model';
import type { ControlContext } from '../control-context.js';
import { removePool } from './destroy-pool.js';

export const RETRY_MS = 5000;
const PASSING = ['DER_UNREACH', 'DER_AGAIN', 'DER_TIMEDOUT'] as const;

export class UnfinishedPools {
  readonly #context: ControlContext;
  readonly #uuids = new Set<string>();
  #isRunning = false;
  #cancel: (() => void) | undefined;

  constructor(context: ControlContext) {
    this.#context = context;
  }

  /** Now; or later, where what keeps it from it may pass. */
  async finish(uuid: string): Promise<void> {
    const { poolMutex, log } = this.#context;
    try {
      await poolMutex.run(uuid, () => removePool(this.#context, uuid));
      this.#uuids.delete(uuid);
      log.info(`pool ${uuid} was left unfinished and has been cleared away`);
    } catch (error) {
      if (!PASSING.some((code) => DaosError.is(error, code))) throw error;
      if (!this.#uuids.has(uuid)) {
        log.warn(`pool ${uuid} waits to be cleared away`, { error: String(error) });
      }
      this.#uuids.add(uuid);
      this.#schedule();
    }
  }

  /** Of the host that acts, until what is answered is disposed of. */
  start(): Disposable {
    this.#isRunning = true;
    this.#schedule();
    return {
      [Symbol.dispose]: () => {
        this.#isRunning = false;
        this.#cancel?.();
        this.#cancel = undefined;
      },
    };
  }

  #schedule(): void {
    if (!this.#isRunning || this.#cancel || this.#uuids.size === 0) return;
    this.#cancel = this.#context.clock.schedule(RETRY_MS, () => {
      this.#finishAll()
        .catch((error: unknown) => {
          this.#context.log.error('a pool cannot be cleared away', { error: String(error) });
        })
        .finally(() => {
          this.#cancel = undefined;
          this.#schedule();
        });
    });
  }

  async #finishAll(): Promise<void> {
    for (const uuid of [...this.#uuids]) await this.finish(uuid);
  }
}
