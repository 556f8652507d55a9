// A phase of the quick start that runs in a process of its own: what it is told, and what it tells.

import type { LatencySummary } from './latencies.js';

export interface PhaseOptions {
  readonly controlUrl: string;
  readonly pool: string;
  readonly container: string;
  /** Stored from; base64, since a path need not be UTF-8. */
  readonly directory: string;
  readonly manifest: string;
}

export interface PhaseResult {
  readonly fileCount: number;
  readonly directoryCount: number;
  readonly byteCount: number;
  readonly durationMs: number;
  readonly latencies: LatencySummary;
  readonly symlinkCount: number;
  readonly specialCount: number;
  readonly unreadableCount: number;
  /** Paths whose contents or attributes are not what was stored; the first few. */
  readonly mismatches: readonly string[];
  readonly mismatchCount: number;
}

export type PhaseMessage =
  | { readonly type: 'progress'; readonly fileCount: number; readonly byteCount: number }
  | { readonly type: 'done'; readonly result: PhaseResult }
  | { readonly type: 'failed'; readonly message: string };

/** Files in flight at a time. */
export const PARALLEL_COUNT = 64;
const PROGRESS_INTERVAL_MS = 100;

/** Counts what a phase has done, and tells its parent now and then. */
export class PhaseProgress {
  fileCount = 0;
  byteCount = 0;
  #toldMs = 0;

  add(byteCount: number): void {
    this.fileCount += 1;
    this.byteCount += byteCount;
    const now = performance.now();
    if (now - this.#toldMs < PROGRESS_INTERVAL_MS) return;
    this.#toldMs = now;
    tell({ type: 'progress', fileCount: this.fileCount, byteCount: this.byteCount });
  }
}

/**
 * Runs a phase as the program of this process; `parameter` is the options as JSON. Ends with its
 * parent.
 */
export async function runPhase(
  phase: (options: PhaseOptions) => Promise<PhaseResult>,
  parameter = '{}',
): Promise<void> {
  const endWithParent = () => process.exit(1);
  process.once('disconnect', endWithParent);
  try {
    const options = JSON.parse(parameter) as PhaseOptions;
    tell({ type: 'done', result: await phase(options) });
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    tell({ type: 'failed', message });
    process.exitCode = 1;
  }
  process.off('disconnect', endWithParent);
  if (process.connected) process.disconnect();
}

function tell(message: PhaseMessage): void {
  if (process.connected) process.send?.(message);
}
