// Goal:   records of earlier versions are read as they are meant now, and nothing else is taken for
//         a record.
// Method: a record type with two migrations; then the types that the service uses.
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { MetadataEntry } from '../metadata/metadata-store.js';
import { containerRecord } from './container-record.js';
import { poolRecord } from './pool-record.js';
import { rankRecord } from './rank-record.js';
import { RecordType } from './record.js';

const entryOf = (value: unknown): MetadataEntry => ({
  ...{ key: '/boxes/1', createRevision: 1, modRevision: 7 },
  value: typeof value === 'string' ? value : JSON.stringify(value),
});

/** Version 1 had a `size` in KiB, version 2 one in bytes; version 3 calls it `sizeBytes`. */
const box = new RecordType({
  name: 'box',
  schema: z.object({ label: z.string(), sizeBytes: z.int() }),
  migrations: [
    ({ size, ...rest }) => ({ ...rest, size: Number(size) * 1024 }),
    ({ size, ...rest }) => ({ ...rest, sizeBytes: size }),
  ],
});

describe('control/record', () => {
  test('each earlier version is led to the newest, step by step', () => {
    const wanted = { key: '/boxes/1', modRevision: 7, fields: { label: 'a', sizeBytes: 2048 } };
    expect(box.version).toBe(3);
    expect(box.decode(entryOf({ version: 1, label: 'a', size: 2 }))).toEqual(wanted);
    expect(box.decode(entryOf({ version: 2, label: 'a', size: 2048 }))).toEqual(wanted);
    expect(box.decode(entryOf({ version: 3, label: 'a', sizeBytes: 2048 }))).toEqual(wanted);
  });

  test('what is written has the newest version and is read back the same', () => {
    const text = box.encode({ label: 'a', sizeBytes: 5 });
    expect(JSON.parse(text)).toEqual({ version: 3, label: 'a', sizeBytes: 5 });
    expect(box.decode(entryOf(text)).fields).toEqual({ label: 'a', sizeBytes: 5 });
  });

  test.each([
    ['a later version', { version: 4, label: 'a', sizeBytes: 5 }, 'DER_DF_INCOMPT'],
    ['no version', { label: 'a', sizeBytes: 5 }, 'DER_DF_INVAL'],
    ['a version that there never was', { version: 0, label: 'a' }, 'DER_DF_INVAL'],
    ['no JSON', '{"version": 3, "label"', 'DER_DF_INVAL'],
    ['another shape once migrated', { version: 1, label: 'a', size: 'much' }, 'DER_DF_INVAL'],
  ])('%s is refused, naming the record', (_what, value, code) => {
    expect(() => box.decode(entryOf(value))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining("'/boxes/1'") }),
    );
  });

  test.each([poolRecord, containerRecord, rankRecord])(
    'a record of a later program is never misread: $name',
    (type) => {
      const later = entryOf({ version: type.version + 1 });
      expect(() => type.decode(later)).toThrow(expect.objectContaining({ code: 'DER_DF_INCOMPT' }));
    },
  );

  test('a text is checked once, and what comes of it cannot be changed', () => {
    const shelf = new RecordType({
      name: 'shelf',
      schema: z.object({ boxes: z.array(z.object({ label: z.string() })) }),
      migrations: [],
    });
    const text = shelf.encode({ boxes: [{ label: 'a' }] });
    const first = shelf.decode(entryOf(text));
    const again = shelf.decode({ ...entryOf(text), modRevision: 9 });
    expect(again).toEqual({ ...first, modRevision: 9 });
    expect(again.fields).toBe(first.fields);
    expect(() => first.fields.boxes.push({ label: 'b' })).toThrow(TypeError);
    expect(() => Object.assign(first.fields.boxes[0] ?? {}, { label: 'b' })).toThrow(TypeError);
    const other = shelf.decode(entryOf(shelf.encode({ boxes: [] })));
    expect(other.fields).toEqual({ boxes: [] });
    expect(() => shelf.decode(entryOf('{"version":1}'))).toThrow("'/boxes/1' is damaged");
  });
});
