// A bar on a terminal, a line for each tenth anywhere else.

const WIDTH = 30;
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
    const filled = Math.round(share * WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
    const percent = String(Math.floor(share * 100)).padStart(3);
    return `${this.#label.padEnd(12)} [${bar}] ${percent} %  ${count}/${this.#total} files`;
  }
}
