// Records that were decoded lately, so that a list does not check again what it checked before.
//
// What is kept is found by key and value: another store, or another writer, changes nothing about
// what a text means.
//
// Invariant: at most twice SIZE_MAX characters of records are kept.
// Invariant: what is given out twice cannot be changed: it is frozen, all the way down.

import type { MetadataEntry } from '../metadata/metadata-store.js';

/** Of the texts of one generation: some 30,000 containers. */
export const SIZE_MAX = 16 * 2 ** 20;

interface Decoded<T> {
  readonly value: string;
  readonly fields: T;
}

export class DecodedRecords<T> {
  /** A generation that is full replaces the one before, which takes along what nobody asked for. */
  #newer = new Map<string, Decoded<T>>();
  #older = new Map<string, Decoded<T>>();
  #newerSize = 0;

  /** The fields of `entry`, by `decode` when they are not known. */
  get({ key, value }: MetadataEntry, decode: () => T): T {
    const newer = this.#newer.get(key);
    if (newer?.value === value) return newer.fields;
    const older = this.#older.get(key);
    const found = older?.value === value ? older : { value, fields: frozen(decode()) };
    this.#keep(key, found);
    return found.fields;
  }

  #keep(key: string, decoded: Decoded<T>): void {
    if (this.#newerSize >= SIZE_MAX) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#newerSize = 0;
    }
    this.#newer.set(key, decoded);
    this.#newerSize += key.length + decoded.value.length;
  }
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
