// Time as an argument: what runs on it can be tested without waiting.

export interface Clock {
  /** Never jumps, whatever happens to the wall clock; for intervals. */
  monotonicMs(): number;
  /** For people and for time stamps. */
  wallMs(): number;
  /**
   * Runs `task` once after `delayMs`; the returned function calls it off. Does not keep the process
   * alive.
   */
  schedule(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
