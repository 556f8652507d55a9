// How much of the machine pools may take, where the configuration does not say.

import { lstatSync, readdirSync, statfsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';

/** Part of the free storage that is left to the file system and to others. */
const STORAGE_SHARE = 0.95;
/** Part of the memory that arenas may take. */
const MEMORY_SHARE = 0.5;
const STAT_BLOCK_SIZE = 512;

/** What is free, and what is used below `path` already: that is the pools' own. */
export function storageCapacityOf(path: string, engineCount: number): number {
  const { bavail, bsize } = statfsSync(path);
  return Math.floor(((bavail * bsize + usedBelow(path)) * STORAGE_SHARE) / engineCount);
}

export function memoryCapacityOf(engineCount: number): number {
  return Math.floor((totalmem() * MEMORY_SHARE) / engineCount);
}

function usedBelow(path: string): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const name = join(path, entry.name);
    bytes += entry.isDirectory() ? usedBelow(name) : lstatSync(name).blocks * STAT_BLOCK_SIZE;
  }
  return bytes;
}
