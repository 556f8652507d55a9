// The page of the console: asks every two seconds, and shows what it is told.

import { api, LoggedOut, logIn, type Host, type Rank, type RankUsage } from './api.js';
import { watchEvents } from './events.js';
import { byId, colored, formatBytes, table, usage } from './page.js';
import { PoolCard } from './pool-card.js';

const PERIOD_MS = 2000;
/** Devices seldom change, and looking costs every host something. */
const SCAN_PERIOD_MS = 60_000;

const cards = new Map<string, PoolCard>();
let scannedMs = -Infinity;
let isWatching = false;

function showRanks(ranks: readonly Rank[], usages: readonly RankUsage[]): void {
  const rows = ranks.map((rank) => {
    const own = usages.find((one) => one.rank === rank.rank);
    return [
      rank.rank,
      colored(rank.state, rank.state === 'joined'),
      rank.host,
      rank.faultDomain,
      rank.targetCount,
      rank.incarnation,
      own ? usage(own.storage) : '',
      own ? usage(own.memory) : '',
      rank.reason ?? '',
    ];
  });
  const headings = ['Rank', 'State', 'Host', 'Fault domain', 'Targets', 'Starts'];
  byId('ranks').replaceChildren(table([...headings, 'Storage', 'Memory', 'Reason'], rows));
  const joined = ranks.filter(({ state }) => state === 'joined').length;
  const text = `${joined} of ${ranks.length} ranks serve`;
  byId('health').replaceChildren(colored(text, joined === ranks.length));
}

function showHosts(hosts: readonly Host[]): void {
  const rows = hosts.map(({ host, ranks, scan, error }) => [
    host,
    ranks.join(', '),
    scan?.coreCount ?? '',
    scan ? formatBytes(scan.memoryBytes) : '',
    scan?.interfaces.map(({ name, address }) => `${name} ${address}`).join(', ') ?? '',
    scan?.blockDevices.map((d) => `${d.name} ${formatBytes(d.sizeBytes)}`).join(', ') ??
      error ??
      '',
  ]);
  const headings = ['Host', 'Ranks', 'Cores', 'Memory', 'Network', 'Devices'];
  byId('hosts').replaceChildren(table(headings, rows));
}

async function showPools(): Promise<void> {
  const pools = (await api.pools()).filter(({ state }) => state === 'ready');
  for (const [uuid, card] of cards) {
    if (pools.some((pool) => pool.uuid === uuid)) continue;
    card.element.remove();
    cards.delete(uuid);
  }
  for (const pool of pools) {
    if (cards.has(pool.uuid)) continue;
    const card = new PoolCard(pool);
    cards.set(pool.uuid, card);
    byId('pools').append(card.element);
  }
  await Promise.allSettled([...cards.values()].map((card) => card.refresh()));
}

async function refresh(): Promise<void> {
  const [ranks, usages] = await Promise.all([api.ranks(), api.usage()]);
  byId('login').hidden = true;
  byId('main').hidden = false;
  if (!isWatching) watchEvents();
  isWatching = true;
  showRanks(ranks, usages);
  if (performance.now() - scannedMs > SCAN_PERIOD_MS) {
    scannedMs = performance.now();
    showHosts(await api.hosts());
  }
  await showPools();
}

async function run(): Promise<void> {
  try {
    await refresh();
  } catch (error) {
    if (error instanceof LoggedOut) return askForToken();
    byId('health').replaceChildren(colored(`no answer: ${String(error)}`, false));
  }
  setTimeout(() => void run(), PERIOD_MS);
}

function askForToken(): void {
  byId('main').hidden = true;
  byId('login').hidden = false;
  byId('health').replaceChildren('logged out');
}

byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = byId('token') as HTMLInputElement;
  const say = (text: string) => (byId('login-error').textContent = text);
  logIn(input.value.trim()).then(
    (isIn) => {
      input.value = '';
      say(isIn ? '' : 'That token is not, or no longer, right.');
      if (isIn) void run();
    },
    (error: unknown) => say(`No answer, try again: ${String(error)}`),
  );
});

void run();
