// @daos/vos: an embedded, versioned object store.
export { integerOf, textOf } from '@daos/native';
export type { AkeyFetch, AkeyResult, AkeyUpdate, Condition, ExtentInput, Key } from '@daos/native';
export * from './container.js';
export type {
  AkeyEntry,
  DkeyEntry,
  Entries,
  ExtentEntry,
  ObjectEntry,
  PunchEntry,
  SingleEntry,
} from './entries.js';
export * from './transaction.js';
export * from './view.js';
export * from './vos.js';
export * from './writer.js';
