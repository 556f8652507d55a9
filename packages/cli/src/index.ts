// @daos/cli: the command lines as objects, for programs that embed them.
export * from './cli.js';
export * from './daos.js';
export * from './dmg.js';
export * from './exit-codes.js';
export * from './table.js';
