// @daos/native: the raw typed layer over the native core. Programs use @daos/client, @daos/vos and
// so on.
export * from './command.js';
export * from './load.js';
export * from './operations.js';
