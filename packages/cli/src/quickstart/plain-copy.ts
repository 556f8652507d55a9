// The same work without DAOS, to compare with: the files of the manifest copied to another
// directory and read back, as many at a time. The copy is not flushed: it measures the page cache,
// and what it costs to go through Node at all.

import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { Latencies } from './latencies.js';
import type { ManifestEntry } from './manifest.js';
import { forEachParallel } from '../parallel.js';
import { PARALLEL_COUNT, type PhaseResult } from './phase.js';
import { joinPath } from './tree.js';

export async function copyPlainly(
  from: Buffer,
  to: Buffer,
  entries: readonly ManifestEntry[],
): Promise<PhaseResult> {
  await mkdir(to, { recursive: true });
  // Parents before children, which copies that run side by side would not keep.
  const directories = entries.filter((entry) => entry.attributes.kind === 'directory');
  for (const { path } of directories.sort((a, b) => a.path.length - b.path.length)) {
    await mkdir(joinPath(to, path));
  }
  return await measure(entries, async (entry) => {
    const data = await readFile(joinPath(from, entry.path));
    createHash('sha256').update(data).digest();
    const file = await open(joinPath(to, entry.path), 'w');
    try {
      await file.writeFile(data);
    } finally {
      await file.close();
    }
    return data.byteLength;
  });
}

export function readPlainly(
  directory: Buffer,
  entries: readonly ManifestEntry[],
): Promise<PhaseResult> {
  return measure(entries, async (entry) => {
    const data = await readFile(joinPath(directory, entry.path));
    createHash('sha256').update(data).digest();
    return data.byteLength;
  });
}

/** `action` returns the bytes it moved; a file that is gone by now is left out. */
async function measure(
  entries: readonly ManifestEntry[],
  action: (entry: ManifestEntry) => Promise<number>,
): Promise<PhaseResult> {
  const latencies = new Latencies();
  let fileCount = 0;
  let byteCount = 0;
  let unreadableCount = 0;
  const files = entries.filter((entry) => entry.attributes.kind === 'file');
  const startMs = performance.now();
  await forEachParallel(files, PARALLEL_COUNT, async (entry) => {
    const start = performance.now();
    try {
      const movedCount = await action(entry);
      byteCount += movedCount;
      fileCount += 1;
      latencies.add(performance.now() - start);
    } catch {
      unreadableCount += 1;
    }
  });
  return {
    fileCount,
    directoryCount: entries.length - files.length,
    byteCount,
    durationMs: performance.now() - startMs,
    latencies: latencies.summary(),
    symlinkCount: 0,
    specialCount: 0,
    unreadableCount,
    mismatches: [],
    mismatchCount: 0,
  };
}
