// @daos/control: what decides about ranks, pools and containers. The service is
// @daos/control/service.
export * from './clock.js';
export * from './control-plane.js';
export type { Log } from './control-context.js';
export * from './engines/engine-control.js';
export * from './engines/host-scan.js';
export * from './leadership/leadership.js';
export * from './metadata/fenced-store.js';
export * from './metadata/lmdb-store.js';
export * from './metadata/metadata-store.js';
export * from './sizes.js';
export * from './ranks/rank-leases.js';
export type { JoinRequest } from './ranks/rank-registry.js';
export type { RankFields } from './records/rank-record.js';
export type { CreatePoolRequest } from './pools/plan.js';
