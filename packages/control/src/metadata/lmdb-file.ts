// A look at the file of an LMDB environment before it is opened: LMDB maps it into memory, so that
// one which is damaged or cut short would end the process instead of failing a call.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { DaosError } from '@daos/model';

/** Of the two head pages; where their fields lie. */
const PAGE_SIZE = 4096;
const HEAD_PAGE_COUNT = 2;
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;
const PAGE_SIZE_OFFSET = 48;
/** Roots of the free list and of the tables. */
const ROOT_OFFSETS = [88, 136];
const TRANSACTION_OFFSET = 152;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

export const LMDB_FILE = 'data.mdb';

/** DER_DF_INVAL when what lies in `directory` can't be opened. A new directory passes. */
export function checkLmdbFile(directory: string): void {
  const path = join(directory, LMDB_FILE);
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const why = damageOf(descriptor, fstatSync(descriptor).size);
    if (why === undefined) return;
    throw new DaosError('DER_DF_INVAL', `control metadata in ${path} is damaged: ${why}`);
  } finally {
    closeSync(descriptor);
  }
}

function damageOf(descriptor: number, sizeBytes: number): string | undefined {
  if (sizeBytes === 0) return undefined;
  const heads: Buffer[] = [];
  for (let page = 0; page < HEAD_PAGE_COUNT; page++) {
    const head = Buffer.alloc(PAGE_SIZE);
    readSync(descriptor, head, 0, PAGE_SIZE, page * PAGE_SIZE);
    if (head.readUInt32LE(MAGIC_OFFSET) !== MAGIC) return `page ${page} is not one of LMDB`;
    heads.push(head);
  }
  const [first, second] = heads as [Buffer, Buffer];
  const transactionOf = (head: Buffer) => head.readBigUInt64LE(TRANSACTION_OFFSET);
  const newest = transactionOf(second) > transactionOf(first) ? second : first;
  const pageSize = BigInt(newest.readUInt32LE(PAGE_SIZE_OFFSET));
  for (const offset of ROOT_OFFSETS) {
    const root = newest.readBigUInt64LE(offset);
    if (root === NO_PAGE || (root + 1n) * pageSize <= BigInt(sizeBytes)) continue;
    return `it has ${sizeBytes} bytes, and page ${root} lies behind them`;
  }
  return undefined;
}
