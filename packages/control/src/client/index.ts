// @daos/control/client: calls a control service. Loads neither the service nor its store.
export * from './control-client.js';
export type { ContainerStatus } from '../containers/describe-container.js';
export type { PoolStatus, PoolSummary } from '../pools/describe-pool.js';
export type { CreatePoolRequest } from '../pools/plan.js';
export type { RankFields } from '../records/rank-record.js';
export * from '../sizes.js';
