// @daos/control/console: the web console for browsers with a token.
export * from './console-access.js';
export * from './console-service.js';
