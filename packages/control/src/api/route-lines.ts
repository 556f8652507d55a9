// Where each route of the control service is: all that a caller needs to reach it. What goes in and
// out, and what it does, stands beside its name in the files of routes, which load the schemas; a
// command line does without them.

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RouteLine {
  readonly method: HttpMethod;
  /** With `{name}` for each parameter. */
  readonly path: string;
  /**
   * Comes every second and says the same again: it carries no idempotency key, and no line of the
   * audit log is spent on it.
   */
  readonly isRoutine?: boolean;
}

const CONTAINER = '/v1/pools/{pool}/containers/{container}';

export const ROUTE_LINES = {
  listRanks: { method: 'GET', path: '/v1/ranks' },
  joinRank: { method: 'POST', path: '/v1/ranks' },
  awaitFormat: { method: 'POST', path: '/v1/ranks/awaiting-format' },
  leaveRank: { method: 'POST', path: '/v1/ranks/{rank}/leave' },
  renewRanks: { method: 'POST', path: '/v1/leases', isRoutine: true },
  getLeader: { method: 'GET', path: '/v1/system/leader' },
  getCallerAddress: { method: 'GET', path: '/v1/caller/address' },
  stopRanks: { method: 'POST', path: '/v1/system/stop' },
  startRanks: { method: 'POST', path: '/v1/system/start' },
  excludeRank: { method: 'POST', path: '/v1/ranks/{rank}/exclude' },
  clearExcludedRank: { method: 'POST', path: '/v1/ranks/{rank}/clear-exclude' },
  setLogLevel: { method: 'POST', path: '/v1/system/log-level' },
  getVersion: { method: 'GET', path: '/v1/system/version' },
  getSystemAttributes: { method: 'GET', path: '/v1/system/attributes' },
  changeSystemAttributes: { method: 'PATCH', path: '/v1/system/attributes' },
  getSystemProperties: { method: 'GET', path: '/v1/system/properties' },
  changeSystemProperties: { method: 'PATCH', path: '/v1/system/properties' },
  getPoolAttributes: { method: 'GET', path: '/v1/pools/{pool}/attributes' },
  changePoolAttributes: { method: 'PATCH', path: '/v1/pools/{pool}/attributes' },
  getContainerAttributes: { method: 'GET', path: `${CONTAINER}/attributes` },
  changeContainerAttributes: { method: 'PATCH', path: `${CONTAINER}/attributes` },
  getPoolProperties: { method: 'GET', path: '/v1/pools/{pool}/properties' },
  changePoolProperties: { method: 'PATCH', path: '/v1/pools/{pool}/properties' },
  relabelPool: { method: 'PATCH', path: '/v1/pools/{pool}' },
  relabelContainer: { method: 'PATCH', path: CONTAINER },
  listSnapshots: { method: 'GET', path: `${CONTAINER}/snapshots` },
  createSnapshot: { method: 'POST', path: `${CONTAINER}/snapshots` },
  getSnapshot: { method: 'GET', path: `${CONTAINER}/snapshots/{snapshot}` },
  destroySnapshot: { method: 'DELETE', path: `${CONTAINER}/snapshots/{snapshot}` },
  rollbackContainer: { method: 'POST', path: `${CONTAINER}/rollback` },
  getPoolAcl: { method: 'GET', path: '/v1/pools/{pool}/acl' },
  changePoolAcl: { method: 'PATCH', path: '/v1/pools/{pool}/acl' },
  evictPool: { method: 'POST', path: '/v1/pools/{pool}/evict' },
  evictContainer: { method: 'POST', path: `${CONTAINER}/evict` },
  cleanUpMachine: { method: 'POST', path: '/v1/system/cleanup' },
  getContainerAcl: { method: 'GET', path: `${CONTAINER}/acl` },
  changeContainerAcl: { method: 'PATCH', path: `${CONTAINER}/acl` },
  openContainer: { method: 'GET', path: `${CONTAINER}/capability` },
  formatStorage: { method: 'POST', path: '/v1/storage/format' },
  scanStorage: { method: 'GET', path: '/v1/storage/hosts' },
  getMetrics: { method: 'GET', path: '/v1/telemetry/metrics' },
  listDevices: { method: 'GET', path: '/v1/storage/devices' },
  identifyDevice: { method: 'POST', path: '/v1/storage/devices/identify' },
  setDeviceFaulty: { method: 'POST', path: '/v1/storage/devices/set-faulty' },
  replaceDevice: { method: 'POST', path: '/v1/storage/devices/replace' },
  queryUsage: { method: 'GET', path: '/v1/storage/usage' },
  issueConsoleToken: { method: 'POST', path: '/v1/console/tokens', isRoutine: true },
  listPools: { method: 'GET', path: '/v1/pools' },
  createPool: { method: 'POST', path: '/v1/pools' },
  getPool: { method: 'GET', path: '/v1/pools/{pool}' },
  queryPool: { method: 'GET', path: '/v1/pools/{pool}/status' },
  getPoolActivity: { method: 'GET', path: '/v1/pools/{pool}/activity' },
  resizePool: { method: 'POST', path: '/v1/pools/{pool}/resize' },
  destroyPool: { method: 'DELETE', path: '/v1/pools/{pool}' },
  listContainers: { method: 'GET', path: '/v1/pools/{pool}/containers' },
  createContainer: { method: 'POST', path: '/v1/pools/{pool}/containers' },
  getContainer: { method: 'GET', path: CONTAINER },
  queryContainer: { method: 'GET', path: `${CONTAINER}/status` },
  changeContainerProperties: { method: 'PATCH', path: `${CONTAINER}/properties` },
  destroyContainer: { method: 'DELETE', path: CONTAINER },
} satisfies Record<string, RouteLine>;

export type RouteName = keyof typeof ROUTE_LINES;

/** For the definition of the route of that name. */
export function lineOf<N extends RouteName>(name: N): { readonly name: N } & RouteLine {
  return { name, ...ROUTE_LINES[name] };
}
