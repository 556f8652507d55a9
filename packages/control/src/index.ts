// @daos/control: what decides about ranks, pools and containers.
export * from './clock.js';
export * from './control-plane.js';
export type { Log } from './control-context.js';
export * from './engines/engine-control.js';
export * from './metadata/lmdb-store.js';
export * from './metadata/metadata-store.js';
export * from './sizes.js';
export * from './service/control-service.js';
