// @daos/client: pools, containers and objects.
export { integerOf, textOf } from '@daos/native';
export type { AkeyFetch, AkeyResult, AkeyUpdate, Condition, ExtentInput, Key } from '@daos/native';
export * from './byte-array.js';
export type { ReadableOptions, WritableOptions } from './byte-streams.js';
export * from './client.js';
export * from './container.js';
export type { RecordRange } from './changed-ranges.js';
export type { Difference, DiffOptions } from './diff.js';
export type { EpochSpan, ListedExtent, ListOptions, Page } from './enumeration.js';
export * from './key-value.js';
export * from './object.js';
export * from './pool-directory.js';
export * from './pool.js';
export type { OperationOptions } from './object-io.js';
