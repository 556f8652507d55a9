// Goal:   what is kept of decoded records is bounded, and never the wrong one.
// Method: more records than are kept, each decoded by a function that counts.
import { expect, test } from '@jest/globals';
import { DecodedRecords, SIZE_MAX } from './decoded-records.js';

const RECORD_SIZE = 2 ** 20;
const ROOM = SIZE_MAX / RECORD_SIZE;
const value = 'v'.repeat(RECORD_SIZE);

test('control/decoded-records: the latest of many are kept, others decoded anew', () => {
  const records = new DecodedRecords<{ of: string }>();
  let decodeCount = 0;
  const read = (index: number, text = value) => {
    const entry = { key: `/boxes/${index}`, value: text, createRevision: 1, modRevision: 1 };
    return records.get(entry, () => ({ of: `${entry.key} ${text.length} ${decodeCount++}` }));
  };
  for (let index = 0; index < 4 * ROOM; index++) read(index);
  expect(decodeCount).toBe(4 * ROOM);
  for (let index = 3 * ROOM + 1; index < 4 * ROOM; index++) read(index);
  expect(decodeCount).toBe(4 * ROOM);
  expect(read(0).of).toBe(`/boxes/0 ${RECORD_SIZE} ${4 * ROOM}`);
  expect(read(0, 'v').of).toBe(`/boxes/0 1 ${4 * ROOM + 1}`);
  expect(read(0).of).toBe(`/boxes/0 ${RECORD_SIZE} ${4 * ROOM + 2}`);
});
