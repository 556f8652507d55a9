// @daos/model: the values that every package shares.
export * from './daos-error.js';
export * from './epoch.js';
export * from './generated/errors.js';
export * from './generated/limits.js';
export * from './generated/object-classes.js';
export * from './generated/object-types.js';
export * from './nearest.js';
export * from './object-class.js';
export * from './object-id.js';
export * from './pool-map.js';
