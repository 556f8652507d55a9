// @daos/agent: says to the control service who the user of a program is.
export * from './agent.js';
