// Stores a directory in a container: the first process of the quick start.

import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { Client } from '@daos/client';
import { CHUNK_SIZE, FileStore, type FileAttributes } from './quickstart/file-store.js';
import { Latencies } from './quickstart/latencies.js';
import { writeManifest, type ManifestEntry } from './quickstart/manifest.js';
import { forEachParallel } from './parallel.js';
import {
  PARALLEL_COUNT,
  PhaseProgress,
  runPhase,
  type PhaseOptions,
  type PhaseResult,
} from './quickstart/phase.js';
import { joinPath, SkipCounts, walkTree, type TreeEntry } from './quickstart/tree.js';

async function storeDirectory(options: PhaseOptions): Promise<PhaseResult> {
  const root = Buffer.from(options.directory, 'base64');
  const latencies = new Latencies();
  const progress = new PhaseProgress();
  const skips = new SkipCounts();
  const entries: ManifestEntry[] = [];
  const startMs = performance.now();
  await using client = await Client.connect({ control: options.controlUrl });
  await using pool = await client.openPool(options.pool);
  await using container = await pool.openContainer(options.container);
  const store = new FileStore(pool, container, latencies);
  await forEachParallel(walkTree(root, skips), PARALLEL_COUNT, async (entry) => {
    const attributes = await storeEntry(store, root, entry, skips);
    if (!attributes) return;
    entries.push({ path: entry.path, attributes });
    if (attributes.kind === 'file') progress.add(attributes.size);
  });
  const durationMs = performance.now() - startMs;
  await writeManifest(options.manifest, entries);
  return {
    fileCount: progress.fileCount,
    directoryCount: entries.length - progress.fileCount,
    byteCount: progress.byteCount,
    durationMs,
    latencies: latencies.summary(),
    ...skips,
    mismatches: [],
    mismatchCount: 0,
  };
}

/** Undefined for a file that cannot be read, which is counted. */
async function storeEntry(
  store: FileStore,
  root: Buffer,
  { kind, path, stats }: TreeEntry,
  skips: SkipCounts,
): Promise<FileAttributes | undefined> {
  const attributes = { kind, mode: stats.mode & 0o7777, mtimeMs: stats.mtimeMs, size: 0 };
  if (kind === 'directory') {
    await store.putFirst(path, attributes);
    return attributes;
  }
  let file: FileHandle;
  try {
    file = await open(joinPath(root, path), 'r');
  } catch {
    skips.unreadableCount += 1;
    return undefined;
  }
  try {
    return await storeFile(store, path, attributes, file, stats.size);
  } finally {
    await file.close();
  }
}

/** Reads to the end of the file, wherever that is by now. */
async function storeFile(
  store: FileStore,
  path: Buffer,
  attributes: FileAttributes,
  file: FileHandle,
  sizeExpected: number,
): Promise<FileAttributes> {
  const hash = createHash('sha256');
  const first = await readChunk(file, Math.min(CHUNK_SIZE, sizeExpected + 1));
  hash.update(first);
  let size = first.byteLength;
  for (let number = 1; size === number * CHUNK_SIZE; number++) {
    const chunk = await readChunk(file, CHUNK_SIZE);
    if (chunk.byteLength === 0) break;
    hash.update(chunk);
    size += chunk.byteLength;
    await store.putChunk(path, number, chunk);
  }
  const complete = { ...attributes, size, sha256: hash.digest('hex') };
  await store.putFirst(path, complete, first);
  return complete;
}

/** Fewer bytes than `size` at the end of the file alone. */
async function readChunk(file: FileHandle, size: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await file.read(buffer, filled, size - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

await runPhase(storeDirectory, process.argv[2]);
