// A bar on a terminal, a line for each tenth anywhere else.

import { barOf } from '../bar.js';

const STEP_COUNT = 10;

export class ProgressBar {
  readonly #label: string;
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  #steps = -1;

  /** `total` 0 shows a full bar. */
  constructor(label: string, total: number, stream: NodeJS.WriteStream) {
    this.#label = label;
    this.#total = total;
    this.#stream = stream;
  }

  update(count: number): void {
    const share = this.#total > 0 ? Math.min(1, count / this.#total) : 1;
    if (this.#stream.isTTY) this.#stream.write(`\r${this.#text(share, count)}`);
    else this.#writeStep(share, count);
  }

  finish(): void {
    this.update(this.#total);
    if (this.#stream.isTTY) this.#stream.write('\n');
  }

  #writeStep(share: number, count: number): void {
    const steps = Math.floor(share * STEP_COUNT);
    if (steps <= this.#steps) return;
    this.#steps = steps;
    this.#stream.write(`${this.#text(share, count)}\n`);
  }

  #text(share: number, count: number): string {
    return `${this.#label.padEnd(12)} ${barOf(share)}  ${count}/${this.#total} files`;
  }
}
