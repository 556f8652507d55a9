// @daos/control/client: calls a control service. Loads neither the service nor its store.
export * from './control-client.js';
export * from './control-hosts.js';
export { sendHttp, type HttpRequest } from './send-http.js';
export { errorBodyOf, httpStatusOf } from '../service/http-errors.js';
export * from '../security/credential.js';
export type { ContainerStatus } from '../containers/describe-container.js';
export type { ContainerQuery } from '../containers/query-container.js';
export type { PoolStatus, PoolSummary } from '../pools/describe-pool.js';
export type { CreatePoolRequest } from '../pools/plan.js';
export type { RankDevices } from '../ranks/list-devices.js';
export type { RankUsage } from '../engines/host-scan.js';
export type { RankFields } from '../records/rank-record.js';
export { RANK_STATES } from '../records/rank-state.js';
export * from '../sizes.js';
export { CONTROL_VERSION, VERSION_HEADER } from '../version.js';
