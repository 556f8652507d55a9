// Calls of etcd that outlast the loss of a member.
//
// A member whose host has fallen silent refuses nothing, and a cluster that lost its leader answers
// nobody until it has another one. Such a call is repeated, with another member, until it is
// answered or the patience is over: what shows outside is a delay. Repeating may carry a call out
// twice; one for which that matters must notice (etcd-transactions.ts).

import { setTimeout as sleep } from 'node:timers/promises';
import { DaosError, type DaosErrorCode } from '@daos/model';
import {
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
  noop,
} from 'cockatiel';
import {
  EtcdLeaseInvalidError,
  GRPCAbortedError,
  GRPCCancelledError,
  GRPCDeadlineExceededError,
  GRPCInternalError,
  GRPCResourceExhastedError,
  GRPCUnavailableError,
  GRPCUnknownError,
  type IOptions,
} from 'etcd3';

/** Of one attempt. */
const CALL_TIMEOUT_MS = 1500;
/** An election takes a second or two; a cluster without a majority is not worth waiting for. */
export const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;
/** A member is passed over after so many failures in a row, for so long. */
const FAILURE_COUNT_MAX = 2;
const PASSED_OVER_MS = 2000;

/** Of the client: each call is tried once, with a member that has answered lately. */
export const CALL_OPTIONS: Pick<IOptions, 'defaultCallOptions' | 'faultHandling'> = {
  defaultCallOptions: ({ isStream }) =>
    isStream ? {} : { deadline: Date.now() + CALL_TIMEOUT_MS },
  faultHandling: {
    global: noop,
    host: () =>
      circuitBreaker(handleWhen(isPassing), {
        halfOpenAfter: PASSED_OVER_MS,
        breaker: new ConsecutiveBreaker(FAILURE_COUNT_MAX),
      }),
  },
};

/** Repeats `action` while what it fails with may pass; its last error as one of ours. */
export async function callPatiently<T>(
  action: (attempt: number) => Promise<T>,
  { patienceMs = PATIENCE_MS, isClosed }: { patienceMs?: number; isClosed: () => boolean },
): Promise<T> {
  const startedMs = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await action(attempt);
    } catch (error) {
      const isOver = performance.now() - startedMs >= patienceMs;
      if (isOver || isClosed() || !isPassing(error)) throw storeError(error);
    }
    await sleep(PAUSE_MS);
  }
}

/** The member or its connection is at fault, not what was asked. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof GRPCUnavailableError ||
    error instanceof GRPCDeadlineExceededError ||
    // The client closes a connection with all its calls when one of them fails.
    error instanceof GRPCCancelledError ||
    error instanceof GRPCAbortedError ||
    error instanceof GRPCInternalError ||
    // What a member says when its own wait for the leader ends.
    (error instanceof GRPCUnknownError && /context deadline exceeded/.test(error.message)) ||
    isBrokenCircuitError(error)
  );
}

export function storeError(error: unknown): DaosError {
  if (DaosError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DaosError(codeOf(error, message), `etcd: ${message}`, { cause: error });
}

function codeOf(error: unknown, message: string): DaosErrorCode {
  if (error instanceof EtcdLeaseInvalidError || /lease not found/.test(message)) {
    return 'DER_NONEXIST';
  }
  if (error instanceof GRPCDeadlineExceededError) return 'DER_TIMEDOUT';
  if (isPassing(error)) return 'DER_UNREACH';
  if (error instanceof GRPCResourceExhastedError) return 'DER_NOSPACE';
  // A watch that asks for compacted revisions is canceled without a reason; others have one.
  if (/compacted|Watcher canceled: $/.test(message)) return 'DER_STALE';
  return 'DER_IO';
}
