// What a target's share of a pool takes of its host's storage: more than the pool offers, since
// metadata lies there twice, with a log. As engines lay it out in files
// (`FolderPoolStore::bytesOnDisk` in native/engine/folder_pool_store.cc) and on devices:
// daos-server.test.ts and devices.test.ts of @daos/server compare.

import type { DeviceRole } from '../records/device-group.js';

const MEBIBYTE = 2 ** 20;
const BLOCK_SIZE = 4096;
/** Of META: superblocks, and what one block of a table describes. */
const SUPERBLOCK_COUNT = 4;
const PAGES_PER_TABLE_BLOCK = 508;
const LOG_SIZE_MIN = 16 * MEBIBYTE;
const LOG_SIZE_MAX = 256 * MEBIBYTE;
/** In front of the log with its metadata, and in front of bulk data. */
const LABEL_SIZE = MEBIBYTE;

export interface ShareSizes {
  readonly arenaBytes: number;
  readonly dataBytes: number;
}

export function diskUsageOf({ arenaBytes, dataBytes }: ShareSizes): number {
  return diskUsageOfArena(arenaBytes) + (dataBytes > 0 ? LABEL_SIZE + dataBytes : 0);
}

/** The most bulk data, in whole MiB, that fits beside an arena. */
export function dataBytesBeside(arenaBytes: number, storageBytes: number): number {
  return Math.max(0, alignDown(storageBytes - diskUsageOfArena(arenaBytes) - LABEL_SIZE));
}

/** On devices with these roles: each role of a share is a volume with a label. */
export function deviceUsageOf({ arenaBytes, dataBytes }: ShareSizes, roles: readonly DeviceRole[]) {
  const bytesOf = {
    wal: logBytesOf(arenaBytes),
    meta: metaBytesOf(arenaBytes),
    data: alignUp(dataBytes),
  };
  return roles.reduce((sum, role) => sum + (bytesOf[role] > 0 ? LABEL_SIZE + bytesOf[role] : 0), 0);
}

function diskUsageOfArena(arenaBytes: number): number {
  return LABEL_SIZE + logBytesOf(arenaBytes) + metaBytesOf(arenaBytes);
}

function logBytesOf(arenaBytes: number): number {
  return Math.min(Math.max(alignUp(arenaBytes / 4), LOG_SIZE_MIN), LOG_SIZE_MAX);
}

function metaBytesOf(arenaBytes: number): number {
  const pageCount = alignUp(arenaBytes) / BLOCK_SIZE;
  const tableBlockCount = Math.ceil(pageCount / PAGES_PER_TABLE_BLOCK);
  const metaBlockCount = SUPERBLOCK_COUNT + 2 * tableBlockCount + 2 * pageCount;
  return alignUp(metaBlockCount * BLOCK_SIZE);
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / MEBIBYTE) * MEBIBYTE;
}

function alignDown(bytes: number): number {
  return Math.floor(bytes / MEBIBYTE) * MEBIBYTE;
}
