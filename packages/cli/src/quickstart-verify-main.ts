// Reads a stored directory back and compares it with what was written down when it was stored: the
// second process of the quick start, which shares nothing with the first but the engine.

import { createHash } from 'node:crypto';
import { Client } from '@daos/client';
import { CHUNK_SIZE, FileStore } from './quickstart/file-store.js';
import { Latencies } from './quickstart/latencies.js';
import { readManifest, type ManifestEntry } from './quickstart/manifest.js';
import { forEachParallel } from './parallel.js';
import {
  PARALLEL_COUNT,
  PhaseProgress,
  runPhase,
  type PhaseOptions,
  type PhaseResult,
} from './quickstart/phase.js';

const MISMATCHES_NAMED = 10;

async function verifyDirectory(options: PhaseOptions): Promise<PhaseResult> {
  const entries = await readManifest(options.manifest);
  const latencies = new Latencies();
  const progress = new PhaseProgress();
  const mismatches: string[] = [];
  const startMs = performance.now();
  await using client = await Client.connect({ control: options.controlUrl });
  await using pool = await client.openPool(options.pool);
  await using container = await pool.openContainer(options.container, { readOnly: true });
  const store = new FileStore(pool, container, latencies);
  await forEachParallel(entries, PARALLEL_COUNT, async (entry) => {
    const difference = await compareEntry(store, entry);
    if (difference) mismatches.push(`${entry.path.toString()}: ${difference}`);
    if (entry.attributes.kind === 'file') progress.add(entry.attributes.size);
  });
  const durationMs = performance.now() - startMs;
  mismatches.push(...(await comparePaths(store, entries)));
  return {
    fileCount: progress.fileCount,
    directoryCount: entries.length - progress.fileCount,
    byteCount: progress.byteCount,
    durationMs,
    latencies: latencies.summary(),
    symlinkCount: 0,
    specialCount: 0,
    unreadableCount: 0,
    mismatches: mismatches.slice(0, MISMATCHES_NAMED),
    mismatchCount: mismatches.length,
  };
}

/** What differs, in words, or undefined. */
async function compareEntry(
  store: FileStore,
  { path, attributes }: ManifestEntry,
): Promise<string | undefined> {
  const first = await store.getFirst(path, Math.min(attributes.size, CHUNK_SIZE));
  const found = first.attributes;
  if (found.kind !== attributes.kind) return `is a ${found.kind}, not a ${attributes.kind}`;
  if (found.mode !== attributes.mode) return 'has another mode';
  if (found.mtimeMs !== attributes.mtimeMs) return 'has another time of change';
  if (attributes.kind === 'directory') return undefined;
  const hash = createHash('sha256').update(first.data);
  let size = first.data.byteLength;
  for (let number = 1; number * CHUNK_SIZE < attributes.size; number++) {
    const room = Math.min(CHUNK_SIZE, attributes.size - number * CHUNK_SIZE);
    const chunk = await store.getChunk(path, number, room);
    hash.update(chunk);
    size += chunk.byteLength;
  }
  if (size !== attributes.size) return `has ${size} bytes, not ${attributes.size}`;
  return hash.digest('hex') === attributes.sha256 ? undefined : 'has other contents';
}

/** The container's own list of paths, against ours. */
async function comparePaths(
  store: FileStore,
  entries: readonly ManifestEntry[],
): Promise<string[]> {
  const expected = new Set(entries.map(({ path }) => path.toString('latin1')));
  const differences: string[] = [];
  for await (const path of store.paths()) {
    if (!expected.delete(path.toString('latin1'))) {
      differences.push(`${path.toString()}: is listed but was not stored`);
    }
  }
  for (const path of expected) {
    differences.push(`${Buffer.from(path, 'latin1').toString()}: is not listed`);
  }
  return differences;
}

await runPhase(verifyDirectory, process.argv[2]);
