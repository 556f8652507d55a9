// @daos/bio: block media.
export * from './media-info.js';
export * from './media.js';
