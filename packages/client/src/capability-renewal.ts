// Gets a new capability for an open container before its own expires.
//
// What is open stays open without one; but an engine that starts anew asks for it again, which may
// be at any time. Durations are counted by the steady clock of this process, never by its date.
import type { OpenedContainer, PoolDirectory } from '@daos/model';
import type { SharedContainer } from './container.js';

/** The longest that a timer can wait. */
const DELAY_MS_MAX = 2 ** 31 - 1;
/** How long one question may take. */
const ANSWER_MS_MAX = 30_000;

export class CapabilityRenewal {
  readonly #directory: PoolDirectory;
  readonly #opened: SharedContainer;
  readonly #use: (container: OpenedContainer) => Promise<void>;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** Starts at once, where the capability expires and the directory can give another. */
  constructor(
    directory: PoolDirectory,
    opened: SharedContainer,
    use: (container: OpenedContainer) => Promise<void>,
  ) {
    this.#directory = directory;
    this.#opened = opened;
    this.#use = use;
    const { capability, capabilityLifeMs } = opened.container;
    if (capability !== '' && capabilityLifeMs !== undefined && directory.openContainer) {
      this.#schedule(capabilityLifeMs / 2, capabilityLifeMs);
    }
  }

  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number, lifeMs: number): void {
    this.#timer = setTimeout(() => void this.#renew(lifeMs), Math.min(delayMs, DELAY_MS_MAX));
    // A program that has nothing else to do ends.
    this.#timer.unref();
  }

  /** What fails is tried again, several times before the expiry and also after it. */
  async #renew(lifeMs: number): Promise<void> {
    const { pool, container, readOnly } = this.#opened;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
    try {
      const options = { readOnly, signal };
      const next = await this.#directory.openContainer?.(pool.uuid, container.uuid, options);
      if (next && !this.#stopping.signal.aborted) await this.#use(next);
      const nextLifeMs = next?.capabilityLifeMs ?? lifeMs;
      if (!this.#stopping.signal.aborted) this.#schedule(nextLifeMs / 2, nextLifeMs);
    } catch {
      if (!this.#stopping.signal.aborted) this.#schedule(lifeMs / 16, lifeMs);
    }
  }
}
