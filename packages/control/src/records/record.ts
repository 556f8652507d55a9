// Records of the metadata store: zod schemas with a version, and the way from old versions to the
// newest.
//
// Format:    docs/format/control_records.md. A record is JSON: {"version": n, ...fields}.
// Invariant: whatever is written has the newest version; whatever is read has passed the newest
//            schema.
// Invariant: what was read is frozen: the next reader of the same text gets the same fields.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { MetadataEntry } from '../metadata/metadata-store.js';
import { DecodedRecords } from './decoded-records.js';

/** Turns the fields of one version into those of the next. */
export type Migration = (fields: Record<string, unknown>) => Record<string, unknown>;

export interface RecordOptions<S extends z.ZodObject> {
  /** For messages, as `pool`. */
  readonly name: string;
  readonly schema: S;
  /** Element i leads from version i + 1 to i + 2; the newest version is their count + 1. */
  readonly migrations: readonly Migration[];
}

/** A record as it was read: its fields, and the revision that a compare-and-set names. */
export interface Stored<T> {
  readonly key: string;
  readonly fields: T;
  readonly modRevision: number;
}

export class RecordType<S extends z.ZodObject> {
  readonly name: string;
  readonly schema: S;
  readonly version: number;
  readonly #migrations: readonly Migration[];
  readonly #decoded = new DecodedRecords<z.infer<S>>();

  constructor(options: RecordOptions<S>) {
    this.name = options.name;
    this.schema = options.schema;
    this.#migrations = options.migrations;
    this.version = options.migrations.length + 1;
  }

  encode(fields: z.infer<S>): string {
    return JSON.stringify({ version: this.version, ...fields });
  }

  /** Fails with DER_DF_INCOMPT for a newer version, with DER_DF_INVAL for what no version wrote. */
  decode(entry: MetadataEntry): Stored<z.infer<S>> {
    const fields = this.#decoded.get(entry, () => this.#decode(entry));
    return { key: entry.key, fields, modRevision: entry.modRevision };
  }

  #decode(entry: MetadataEntry): z.infer<S> {
    const { version, ...fields } = this.#parse(entry);
    const current = this.#migrations
      .slice(version - 1)
      .reduce<Record<string, unknown>>((old, migrate) => migrate(old), fields);
    const checked = this.schema.safeParse(current);
    if (!checked.success) throw this.#damaged(entry, z.prettifyError(checked.error));
    return checked.data;
  }

  #parse(entry: MetadataEntry): { version: number; [field: string]: unknown } {
    let value: unknown;
    try {
      value = JSON.parse(entry.value);
    } catch (error) {
      throw this.#damaged(entry, String(error));
    }
    if (!hasVersion(value)) throw this.#damaged(entry, 'it has no version');
    if (value.version > this.version) {
      throw new DaosError(
        'DER_DF_INCOMPT',
        `${this.name} record '${entry.key}' has version ${value.version}; ` +
          `this program reads up to ${this.version}: run the version that wrote it`,
      );
    }
    return value;
  }

  #damaged(entry: MetadataEntry, why: string): DaosError {
    return new DaosError('DER_DF_INVAL', `${this.name} record '${entry.key}' is damaged: ${why}`);
  }
}

/** By hand: a schema would copy every record once more. */
function hasVersion(value: unknown): value is { version: number } {
  if (typeof value !== 'object' || value === null || !('version' in value)) return false;
  return Number.isSafeInteger(value.version) && (value.version as number) >= 1;
}
