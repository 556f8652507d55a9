// @daos/control: what decides about ranks, pools and containers.
export * from './clock.js';
export * from './metadata/lmdb-store.js';
export * from './metadata/metadata-store.js';
