// @daos/embedded: a whole system in one process.
export * from './embedded-system.js';
