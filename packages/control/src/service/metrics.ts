// The state of the system as OpenMetrics text, for a scraper.
//
// Names that DAOS has are used where they exist; the rest begins with daos_. Everything is read
// when it is asked for: a scrape asks each engine for the space and the activity of its pools, and
// nothing is kept in between.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { ControlPlane } from '../control-plane.js';
import type { OperationMetrics } from '../engines/engine-control.js';

export const METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Labels = Readonly<Record<string, string | number>>;

/** `unknown` is what counts under a name of DAOS's: a counter's would have to end in _total. */
type FamilyType = 'gauge' | 'counter' | 'histogram' | 'unknown';

/** One metric family: all samples of a name go together. */
class Family {
  readonly samples: { name: string; labels: Labels; value: number }[] = [];

  constructor(
    readonly name: string,
    readonly type: FamilyType,
    readonly help: string,
  ) {}

  add(labels: Labels, value: number, suffix = ''): void {
    this.samples.push({ name: this.name + suffix, labels, value });
  }

  toString(): string {
    const lines = this.samples.map(({ name, labels, value }) => {
      const pairs = Object.entries(labels).map(
        ([key, text]) => `${key}="${escaped(String(text))}"`,
      );
      return `${name}{${pairs.join(',')}} ${value}\n`;
    });
    const { name, type, help } = this;
    return `# TYPE ${name} ${type}\n# HELP ${name} ${help}\n${lines.join('')}`;
  }
}

export const metricFamilySchema = z.object({
  name: z.string(),
  type: z.enum(['gauge', 'counter', 'histogram', 'unknown']),
  help: z.string(),
  samples: z.array(
    z.object({
      name: z.string(),
      labels: z.record(z.string(), z.union([z.string(), z.number()])),
      value: z.number(),
    }),
  ),
});

/** All families, or those of these names. DER_NONEXIST for a name that there is not. */
export async function readMetrics(
  control: ControlPlane,
  names?: readonly string[],
): Promise<z.input<typeof metricFamilySchema>[]> {
  const families = await collect(control);
  if (!names) return families;
  return names.map((name) => {
    const found = families.find((family) => family.name === name);
    if (found) return found;
    throw new DaosError('DER_NONEXIST', `no metric '${name}': see 'dmg telemetry metrics list'`);
  });
}

export async function metricsText(control: ControlPlane): Promise<string> {
  return (await collect(control)).join('') + '# EOF\n';
}

async function collect(control: ControlPlane): Promise<Family[]> {
  const parts = await Promise.all([
    rankMetrics(control),
    poolMetrics(control),
    activityMetrics(control),
    deviceMetrics(control),
  ]);
  return [...parts.flat(), ...processMetrics()];
}

async function deviceMetrics(control: ControlPlane): Promise<Family[]> {
  const faulty = new Family('daos_device_faulty', 'gauge', 'Whether a device has failed');
  const size = new Family('daos_device_bytes', 'gauge', 'Size of a device');
  const counts = new Family('daos_device_requests', 'counter', 'Requests that a device ended');
  const bytes = new Family('daos_device_moved_bytes', 'counter', 'Bytes read and written');
  const errors = new Family('daos_device_errors', 'counter', 'Requests that failed');
  const latency = new Family('daos_device_p99_seconds', 'gauge', '99 % of requests took less');
  for (const { rank, devices } of await control.listDevices()) {
    for (const { target, pool, path, ...device } of devices) {
      const labels = { rank, target, pool, path };
      faulty.add(labels, device.isFaulty ? 1 : 0);
      size.add(labels, device.sizeBytes);
      for (const { operation, ...one } of device.operations) {
        const named = { ...labels, operation };
        counts.add(named, one.count, '_total');
        bytes.add(named, one.bytes, '_total');
        errors.add(named, one.errorCount, '_total');
        latency.add(named, one.p99Ns / 1e9);
      }
    }
  }
  return [faulty, size, counts, bytes, errors, latency];
}

async function rankMetrics(control: ControlPlane): Promise<Family[]> {
  const up = new Family('daos_rank_joined', 'gauge', 'Whether the engine of a rank serves');
  const starts = new Family('daos_rank_starts', 'counter', 'Starts of the engine of a rank');
  const storage = new Family('daos_rank_storage_bytes', 'gauge', 'What pools may take of storage');
  const memory = new Family('daos_rank_memory_bytes', 'gauge', 'What arenas may take of memory');
  for (const rank of await control.listRanks()) {
    const labels = { rank: rank.rank, host: rank.host };
    up.add({ ...labels, state: rank.state }, rank.state === 'joined' ? 1 : 0);
    starts.add(labels, rank.incarnation, '_total');
    storage.add(labels, rank.storageCapacityBytes);
    memory.add(labels, rank.memoryCapacityBytes);
  }
  return [up, starts, storage, memory];
}

async function poolMetrics(control: ControlPlane): Promise<Family[]> {
  const arenaUsed = new Family(
    'engine_pool_vos_space_scm_used',
    'gauge',
    'Bytes of metadata and small values in a target of a pool',
  );
  const dataUsed = new Family(
    'engine_pool_vos_space_nvme_used',
    'gauge',
    'Bytes of bulk data in a target of a pool',
  );
  const arenaTotal = new Family('daos_pool_arena_bytes', 'gauge', 'Size of the arena of a target');
  const dataTotal = new Family(
    'daos_pool_data_bytes',
    'gauge',
    'Size of the data area of a target',
  );
  const prewritten = new Family(
    'daos_pool_data_prewritten_bytes',
    'gauge',
    'Of the data area of a target, what was written in advance',
  );
  const containers = new Family('daos_pool_containers', 'gauge', 'Containers of a pool');
  for (const { uuid, label } of (await control.listPools()).filter((p) => p.state === 'ready')) {
    // A pool that is destroyed meanwhile is no longer of interest.
    const status = await control.queryPool(uuid).catch(() => undefined);
    if (!status) continue;
    containers.add({ pool: uuid, label }, status.containerCount);
    for (const { rank, index, arena, data } of status.targets) {
      const labels = { pool: uuid, label, rank, target: index };
      arenaUsed.add(labels, arena.usedBytes);
      arenaTotal.add(labels, arena.totalBytes);
      dataUsed.add(labels, data.usedBytes);
      dataTotal.add(labels, data.totalBytes);
      if (data.prewrittenBytes !== undefined) prewritten.add(labels, data.prewrittenBytes);
    }
  }
  return [arenaUsed, arenaTotal, dataUsed, dataTotal, prewritten, containers];
}

/** Names by operation: DAOS's, and ours where it counts more finely than we do. */
const OPERATION_NAMES: Readonly<Record<string, string>> = {
  update: 'engine_pool_ops_update',
  fetch: 'engine_pool_ops_fetch',
  query: 'engine_pool_ops_key_query',
  punch: 'daos_pool_ops_punch',
  enumerate: 'daos_pool_ops_enumerate',
};

class ActivityFamilies {
  readonly #counts = new Map(
    Object.entries(OPERATION_NAMES).map(([operation, name]) => [
      operation,
      new Family(name, 'unknown', `Operations since the pool was opened: ${operation}`),
    ]),
  );
  readonly #bytes = new Map(
    ['update', 'fetch'].map((operation) => [
      operation,
      new Family(
        `engine_pool_xferred_${operation}`,
        'unknown',
        `Bytes of values since the pool was opened: ${operation}`,
      ),
    ]),
  );
  readonly #failed = new Family(
    'daos_pool_ops_failed',
    'counter',
    'Operations that were answered with an error',
  );
  readonly #latency = new Family(
    'daos_pool_op_latency_seconds',
    'histogram',
    'From when a target takes an operation up until its answer; quick ones are sampled',
  );

  add(labels: Labels, one: OperationMetrics): void {
    this.#counts.get(one.operation)?.add(labels, one.count);
    this.#bytes.get(one.operation)?.add(labels, one.bytes);
    const named = { ...labels, operation: one.operation };
    this.#failed.add(named, one.failedCount, '_total');
    let total = 0;
    for (const [bucket, count] of one.latencyCounts.entries()) {
      total += count;
      const isLast = bucket === one.latencyCounts.length - 1;
      this.#latency.add({ ...named, le: isLast ? '+Inf' : 2 ** bucket / 1e6 }, total, '_bucket');
    }
    this.#latency.add(named, one.latencySumNs / 1e9, '_sum');
    this.#latency.add(named, total, '_count');
  }

  get all(): Family[] {
    return [...this.#counts.values(), ...this.#bytes.values(), this.#failed, this.#latency];
  }
}

async function activityMetrics(control: ControlPlane): Promise<Family[]> {
  const families = new ActivityFamilies();
  for (const { uuid, label } of (await control.listPools()).filter((p) => p.state === 'ready')) {
    // A pool that is destroyed meanwhile is no longer of interest.
    const activity = await control.poolActivity(uuid).catch(() => undefined);
    for (const { rank, index, operations } of activity?.targets ?? []) {
      const labels = { pool: uuid, label, rank, target: index };
      for (const one of operations) families.add(labels, one);
    }
  }
  return families.all;
}

/** Of the process of the control service. */
function processMetrics(): Family[] {
  const cpu = new Family('process_cpu_seconds', 'counter', 'Processor time of the control service');
  const resident = new Family(
    'process_resident_memory_bytes',
    'gauge',
    'Memory of the control service',
  );
  const { user, system } = process.cpuUsage();
  cpu.add({}, (user + system) / 1e6, '_total');
  resident.add({}, process.memoryUsage.rss());
  return [cpu, resident];
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
