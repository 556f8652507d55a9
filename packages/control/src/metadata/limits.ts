// What every driver of the metadata store accepts, checked in one place so that no driver takes
// what another refuses.

import { DaosError } from '@daos/model';
import type { Change, Compare } from './metadata-store.js';

/** Longest key, in bytes of UTF-8. */
export const METADATA_KEY_SIZE_MAX = 1024;
/** Longest value, in bytes of UTF-8. */
export const METADATA_VALUE_SIZE_MAX = 1 << 20;
/** Most conditions and changes of one transaction together. */
export const METADATA_TRANSACTION_COUNT_MAX = 128;
/** Shortest and longest time to live of a lease. */
export const LEASE_TTL_MS_MIN = 100;
export const LEASE_TTL_MS_MAX = 3_600_000;

/**
 * Fails with DER_INVAL or DER_OVERFLOW when a transaction is not one every driver can carry out.
 */
export function checkTransaction(compare: readonly Compare[], changes: readonly Change[]): void {
  if (compare.length + changes.length > METADATA_TRANSACTION_COUNT_MAX) {
    throw new DaosError(
      'DER_OVERFLOW',
      `a metadata transaction has ${compare.length + changes.length} conditions and changes; ` +
        `${METADATA_TRANSACTION_COUNT_MAX} are allowed`,
    );
  }
  for (const condition of compare) checkKey(condition.key);
  const seen = new Set<string>();
  for (const change of changes) {
    const key = 'put' in change ? change.put : change.delete;
    checkKey(key);
    if (seen.has(key)) {
      throw new DaosError('DER_INVAL', `a metadata transaction changes key '${key}' twice`);
    }
    seen.add(key);
    if ('put' in change) checkValue(key, change.value);
  }
}

export function checkKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (size === 0) throw new DaosError('DER_INVAL', 'a metadata key is empty');
  if (size > METADATA_KEY_SIZE_MAX) {
    throw new DaosError(
      'DER_OVERFLOW',
      `metadata key of ${size} bytes; ${METADATA_KEY_SIZE_MAX} are allowed`,
    );
  }
  if (key.includes('\0')) throw new DaosError('DER_INVAL', 'a metadata key holds a zero byte');
}

export function checkLeaseTtl(ttlMs: number): void {
  if (!(ttlMs >= LEASE_TTL_MS_MIN && ttlMs <= LEASE_TTL_MS_MAX)) {
    throw new DaosError(
      'DER_INVAL',
      `lease of ${ttlMs} ms; ${LEASE_TTL_MS_MIN} to ${LEASE_TTL_MS_MAX} are allowed`,
    );
  }
}

function checkValue(key: string, value: string): void {
  const size = Buffer.byteLength(value);
  if (size > METADATA_VALUE_SIZE_MAX) {
    throw new DaosError(
      'DER_OVERFLOW',
      `value of metadata key '${key}' is ${size} bytes; ${METADATA_VALUE_SIZE_MAX} are allowed`,
    );
  }
}
