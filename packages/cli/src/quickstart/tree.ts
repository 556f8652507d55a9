// Walks a directory by bytes: names need not be UTF-8.

import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';

const SLASH = Buffer.from('/');

export interface TreeEntry {
  readonly kind: 'file' | 'directory';
  /** Below the root of the walk, without a slash at either end. */
  readonly path: Buffer;
  readonly stats: Stats;
}

/** What a walk came across and left out. */
export class SkipCounts {
  symlinkCount = 0;
  /** Sockets, pipes and devices. */
  specialCount = 0;
  /** Directories and files that could not be read. */
  unreadableCount = 0;
}

export function joinPath(parent: Buffer, name: Buffer): Buffer {
  return parent.length === 0 ? name : Buffer.concat([parent, SLASH, name]);
}

/** Directories come before what is in them. What cannot be read is counted, not thrown. */
export async function* walkTree(root: Buffer, skips: SkipCounts): AsyncGenerator<TreeEntry> {
  const pending: Buffer[] = [Buffer.alloc(0)];
  for (let path = pending.pop(); path; path = pending.pop()) {
    for (const name of await namesIn(joinPath(root, path), skips)) {
      const entry = await entryOf(root, joinPath(path, name), skips);
      if (!entry) continue;
      if (entry.kind === 'directory') pending.push(entry.path);
      yield entry;
    }
  }
}

async function namesIn(directory: Buffer, skips: SkipCounts): Promise<Buffer[]> {
  const names: Buffer[] = [];
  try {
    // Typed for text alone, though it hands out what `encoding` asks for.
    for await (const entry of await opendir(directory as unknown as string, {
      encoding: 'buffer' as BufferEncoding,
    })) {
      names.push(entry.name as unknown as Buffer);
    }
  } catch {
    skips.unreadableCount += 1;
  }
  return names.sort(Buffer.compare);
}

async function entryOf(
  root: Buffer,
  path: Buffer,
  skips: SkipCounts,
): Promise<TreeEntry | undefined> {
  let stats: Stats;
  try {
    stats = await lstat(joinPath(root, path));
  } catch {
    skips.unreadableCount += 1;
    return undefined;
  }
  if (stats.isDirectory()) return { kind: 'directory', path, stats };
  if (stats.isFile()) return { kind: 'file', path, stats };
  if (stats.isSymbolicLink()) skips.symlinkCount += 1;
  else skips.specialCount += 1;
  return undefined;
}
