// One pool: its space, what is done with it now, and its containers on demand.

import { api, type Activity, type PoolStatus, type PoolSummary } from './api.js';
import { Chart } from './chart.js';
import { colored, element, formatBytes, table, usage } from './page.js';
import { ratesBetween } from './rates.js';

/** More would make the page slow; the command line lists all. */
const CONTAINER_COUNT_MAX = 200;

const perSecond = (value: number) => `${Math.round(value)}/s`;
const bytesPerSecond = (value: number) => `${formatBytes(value)}/s`;
const microseconds = (value: number) => (value === 0 ? '–' : `≤ ${value} µs`);

export class PoolCard {
  readonly element = element('article');
  readonly #pool: PoolSummary;
  readonly #facts = element('div');
  readonly #containers = element('details', element('summary', 'Containers'));
  readonly #operations = new Chart('Operations', [
    { name: 'update', format: perSecond },
    { name: 'fetch', format: perSecond },
  ]);
  readonly #bytes = new Chart('Throughput', [
    { name: 'written', format: bytesPerSecond },
    { name: 'read', format: bytesPerSecond },
  ]);
  readonly #latency = new Chart('Latency, 99 of 100', [
    { name: 'update', format: microseconds },
    { name: 'fetch', format: microseconds },
  ]);
  #last: Activity | undefined;

  constructor(pool: PoolSummary) {
    this.#pool = pool;
    this.element.dataset['pool'] = pool.label;
    const charts = element(
      'div',
      ...[this.#operations, this.#bytes, this.#latency].map((chart) => chart.element),
    );
    charts.className = 'charts';
    this.element.append(element('h3', pool.label), this.#facts, charts, this.#containers);
    this.#containers.addEventListener('toggle', () => void this.#showContainers());
  }

  async refresh(): Promise<void> {
    const { uuid } = this.#pool;
    const [status, activity] = await Promise.all([api.status(uuid), api.activity(uuid)]);
    this.#showStatus(status);
    const rates = this.#last && ratesBetween(this.#last, activity);
    this.#last = activity;
    if (!rates) return;
    this.#operations.add([rates.updates, rates.fetches]);
    this.#bytes.add([rates.written, rates.read]);
    this.#latency.add([rates.updateP99, rates.fetchP99]);
  }

  #showStatus(status: PoolStatus): void {
    const away = status.unreachableRanks.join(', ');
    const row = [
      colored(status.state, status.state === 'ready'),
      `${status.ranks.join(', ')}${away && ` (unreachable: ${away})`}`,
      status.targetCount,
      status.containerCount,
      usage(status.arena),
      usage(status.data),
    ];
    const headings = ['State', 'Ranks', 'Targets', 'Containers', 'Metadata', 'Data'];
    this.#facts.replaceChildren(table(headings, [row]));
  }

  async #showContainers(): Promise<void> {
    const [summary] = this.#containers.children;
    if (!summary || !(this.#containers as HTMLDetailsElement).open) return;
    const all = await api.containers(this.#pool.uuid);
    const rows = all
      .slice(0, CONTAINER_COUNT_MAX)
      .map((one) => [
        one.label,
        one.uuid,
        String(one.properties['layout_type'] ?? ''),
        one.snapshotCount,
        new Date(one.createdMs).toISOString(),
      ]);
    const headings = ['Container', 'UUID', 'Layout', 'Snapshots', 'Created'];
    const more = all.length > rows.length ? `${all.length - rows.length} more` : '';
    this.#containers.replaceChildren(summary, table(headings, rows), more);
  }
}
