// What people see of a command that takes its time: a line on the terminal that says how far it is,
// and goes away when the command is done.
//
// Life cycle: start → (report)… → end. Without a terminal nothing is ever written.

import { barOf } from './bar.js';

/** Whoever waits for less wonders about nothing. */
const DELAY_MS = 1000;
const INTERVAL_MS = 200;
const CLEAR = '\r\x1b[K';

export interface Amount {
  readonly count: number;
  /** Undefined where nobody knows. */
  readonly total?: number | undefined;
  /** As `objects`; of bytes and the like it says more than the number does. */
  readonly text: string;
}

export interface ProgressOptions {
  /** Writes to the terminal; undefined: there is none. */
  readonly write: ((text: string) => void) | undefined;
  readonly label: string;
  readonly delayMs?: number;
  readonly intervalMs?: number;
}

export class Progress implements Disposable {
  readonly #options: ProgressOptions;
  readonly #startedMs = performance.now();
  #amount: Amount | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isShown = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    if (!options.write) return;
    const { delayMs = DELAY_MS, intervalMs = INTERVAL_MS } = options;
    this.#timer = setTimeout(() => {
      this.#show();
      this.#timer = setInterval(() => this.#show(), intervalMs).unref();
    }, delayMs).unref();
  }

  /** Costs nothing: what was reported last is shown a few times a second. */
  report(amount: Amount): void {
    this.#amount = amount;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isShown) this.#options.write?.(CLEAR);
  }

  #show(): void {
    this.#isShown = true;
    const seconds = Math.floor((performance.now() - this.#startedMs) / 1000);
    const parts = [this.#options.label, ...this.#amountParts(), `${seconds} s`];
    this.#options.write?.(`${CLEAR}${parts.join('  ')}`);
  }

  #amountParts(): string[] {
    if (!this.#amount) return [];
    const { count, total, text } = this.#amount;
    return total === undefined ? [text] : [barOf(total > 0 ? count / total : 1), text];
  }
}
