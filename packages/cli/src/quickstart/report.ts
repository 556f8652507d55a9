// What the quick start says at its end.

import { formatSize } from '@daos/control/client';
import type { RunDescription } from '@daos/server/data-directory';
import { CONTROL_URL_DEFAULT } from '../cli.js';
import { formatFields, formatTable, type Cell } from '../table.js';
import type { PhaseResult } from './phase.js';
import { HOME_DEFAULT } from './request.js';
import type { QuickstartDirectory } from './server-process.js';

const BYTES_PER_MB = 1e6;

export interface Results {
  readonly stored: PhaseResult;
  readonly read: PhaseResult;
  readonly copied: PhaseResult;
  readonly copyRead: PhaseResult;
}

export function resultText({ stored, read, copied, copyRead }: Results): string {
  const table = formatTable(
    ['', 'Files', 'Bytes', 'Time', 'MB/s', 'Operations/s', 'p50 ms', 'p99 ms'],
    [
      row('stored in DAOS', stored),
      row('read from DAOS', read),
      row('copied plainly', copied),
      row('copy read', copyRead),
    ],
  );
  const { symlinkCount, specialCount, unreadableCount } = stored;
  const left = [
    [symlinkCount, 'symbolic links'],
    [specialCount, 'special files'],
    [unreadableCount, 'unreadable files or directories'],
  ].filter(([count]) => count !== 0);
  const skipped = left.map(([count, what]) => `${count} ${what}`).join(', ');
  const isSame = read.mismatchCount === 0;
  return [
    '',
    table.trimEnd(),
    '(the plain copy goes to the page cache and is not flushed; what DAOS acknowledges is on disk)',
    ...(skipped ? [`left out: ${skipped}`] : []),
    isSame
      ? `all ${read.fileCount} files and ${read.directoryCount} directories came back identical`
      : `${read.mismatchCount} of ${read.fileCount} files came back different`,
  ].join('\n');
}

/** When what had been reached, as Date.now() counts. */
export interface StartTimes {
  readonly beginMs: number;
  /** The server and its engine serve. */
  readonly serverMs: number;
  /** A pool and a container are there. */
  readonly readyMs: number;
  /** The first write was acknowledged; undefined when there was nothing to write. */
  readonly firstWriteMs: number | undefined;
}

/** From nothing to the first completed write, and what of it took how long. */
export function startText({ beginMs, serverMs, readyMs, firstWriteMs }: StartTimes): string {
  const server = `server and engine ${(serverMs - beginMs).toFixed(0)} ms`;
  const pool = `pool and container ${(readyMs - serverMs).toFixed(0)} ms`;
  if (firstWriteMs === undefined) return `start: ${server}, ${pool}; nothing was written`;
  const client = `client and first write ${(firstWriteMs - readyMs).toFixed(0)} ms`;
  const total = (firstWriteMs - beginMs).toFixed(0);
  return `start to the first completed write: ${total} ms (${server}, ${pool}, ${client})`;
}

function row(name: string, result: PhaseResult): Cell[] {
  const seconds = result.durationMs / 1000;
  return [
    name,
    result.fileCount,
    formatSize(result.byteCount),
    `${seconds.toFixed(2)} s`,
    (result.byteCount / BYTES_PER_MB / seconds).toFixed(1),
    (result.latencies.count / seconds).toFixed(0),
    result.latencies.p50Ms.toFixed(2),
    result.latencies.p99Ms.toFixed(2),
  ];
}

export interface Farewell {
  readonly home: QuickstartDirectory;
  readonly server: RunDescription;
  readonly enginePid: number;
  readonly pool: string;
  readonly container: string;
}

export function farewellText({ home, server, enginePid, pool, container }: Farewell): string {
  const where = formatFields([
    ['daos-server', `process ${server.pid}, control service at ${server.url}`],
    ['engine', `process ${enginePid}, two targets`],
    ['data', home.data],
    ['log', home.log],
  ]);
  return [
    '',
    'It goes on running:',
    where.trimEnd(),
    '',
    'Try next:',
    ...(server.url === CONTROL_URL_DEFAULT ? [] : [`  export DAOS_CONTROL=${server.url}`]),
    `  tools/dmg system query`,
    `  tools/dmg pool query ${pool} --show-targets`,
    `  tools/daos container list ${pool}`,
    `  tools/daos object list ${pool} ${container}`,
    `  curl ${server.url}/v1/pools/${pool}`,
    `  ${stopCommand(home)}`,
  ].join('\n');
}

export function stopCommand(home: QuickstartDirectory): string {
  const place = home.path === HOME_DEFAULT ? '' : ` --home ${quoted(home.path)}`;
  return `tools/quickstart --stop${place}`;
}

/** As a shell reads it. */
function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
