// How long operations took.

export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** When the first operation had ended, as Date.now() counts; undefined without one. */
  readonly firstEndMs?: number;
}

export class Latencies {
  readonly #values: number[] = [];
  #firstEndMs: number | undefined;

  /** Of an operation that has ended now. */
  add(durationMs: number): void {
    this.#firstEndMs ??= performance.timeOrigin + performance.now();
    this.#values.push(durationMs);
  }

  summary(): LatencySummary {
    const sorted = Float64Array.from(this.#values).sort();
    const at = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    return {
      count: sorted.length,
      p50Ms: at(0.5) ?? 0,
      p99Ms: at(0.99) ?? 0,
      ...(this.#firstEndMs !== undefined && { firstEndMs: this.#firstEndMs }),
    };
  }
}
