// @daos/server: a storage host's server as an object, for programs that run one themselves.
export * from './config/load-config.js';
export * from './config/server-config.js';
export * from './data/data-directory.js';
export * from './engine/native-engine-control.js';
export * from './log.js';
export * from './server.js';
export * from './data/capacity.js';
