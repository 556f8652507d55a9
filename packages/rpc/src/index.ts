// @daos/rpc: services in TypeScript over DAOS's own endpoints.
export * from './remote-error.js';
export { RequestContext } from './request-context.js';
export type { Handler, Handlers } from './request-loop.js';
export * from './rpc-client.js';
export * from './rpc-endpoint.js';
export * from './service.js';
