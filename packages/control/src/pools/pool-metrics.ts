// What the engines of a pool have done for it: operations, bytes and latencies.

import * as z from 'zod';
import type { ControlContext } from '../control-context.js';
import { operationMetricsSchema, type OperationMetrics } from '../engines/engine-control.js';
import { rankField } from '../records/fields.js';
import { findPool } from './find-pool.js';

export const poolActivitySchema = z.object({
  /** When it was read: rates come from two answers. */
  timeMs: z.number(),
  targets: z.array(
    z.object({
      rank: rankField,
      index: z.int().min(0),
      operations: z.array(operationMetricsSchema),
    }),
  ),
  /** Whose counts are missing. */
  unreachableRanks: z.array(rankField),
});
export type PoolActivity = z.infer<typeof poolActivitySchema>;

export async function poolActivity(context: ControlContext, name: string): Promise<PoolActivity> {
  const { fields } = await findPool(context, name);
  const answers = await Promise.all(
    fields.ranks.map(async ({ rank }) => {
      try {
        const { targets } = await context.engines.engineOf(rank).poolMetrics({ uuid: fields.uuid });
        return { rank, targets };
      } catch {
        return { rank };
      }
    }),
  );
  return {
    timeMs: context.clock.monotonicMs(),
    targets: answers.flatMap(({ rank, targets = [] }) =>
      targets.map((target) => ({ rank, ...target })),
    ),
    unreachableRanks: answers.filter(({ targets }) => !targets).map(({ rank }) => rank),
  };
}

/** One entry for each kind of operation. */
export function sumOperations(targets: PoolActivity['targets']): OperationMetrics[] {
  const sums = new Map<string, OperationMetrics>();
  for (const { operations } of targets) {
    for (const one of operations) {
      const sum = sums.get(one.operation);
      sums.set(one.operation, sum ? added(sum, one) : one);
    }
  }
  return [...sums.values()];
}

function added(left: OperationMetrics, right: OperationMetrics): OperationMetrics {
  return {
    operation: left.operation,
    count: left.count + right.count,
    failedCount: left.failedCount + right.failedCount,
    bytes: left.bytes + right.bytes,
    latencySumNs: left.latencySumNs + right.latencySumNs,
    latencyCounts: left.latencyCounts.map((n, bucket) => n + (right.latencyCounts[bucket] ?? 0)),
  };
}
