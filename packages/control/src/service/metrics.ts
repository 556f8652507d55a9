// The state of the system as OpenMetrics text, for a scraper.
//
// Names that DAOS has are used where they exist; the rest begins with daos_. Everything is read
// when it is asked for: a scrape asks each engine for the space of its pools, and nothing is kept
// in between.

import type { ControlPlane } from '../control-plane.js';

export const METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Labels = Readonly<Record<string, string | number>>;

/** One metric family: all samples of a name go together. */
class Family {
  readonly #lines: string[];
  readonly #name: string;

  constructor(name: string, type: 'gauge' | 'counter', help: string) {
    this.#name = name;
    this.#lines = [`# TYPE ${name} ${type}`, `# HELP ${name} ${help}`];
  }

  add(labels: Labels, value: number, suffix = ''): void {
    const pairs = Object.entries(labels).map(
      ([name, text]) => `${name}="${escaped(String(text))}"`,
    );
    this.#lines.push(`${this.#name}${suffix}{${pairs.join(',')}} ${value}`);
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

export async function metricsText(control: ControlPlane): Promise<string> {
  const [ranks, pools] = await Promise.all([rankMetrics(control), poolMetrics(control)]);
  return [...ranks, ...pools, ...processMetrics()].join('') + '# EOF\n';
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
    }
  }
  return [arenaUsed, arenaTotal, dataUsed, dataTotal, containers];
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
