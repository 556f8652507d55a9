// For Fastify: its routes have no schemas of its kind. Ours are of zod, and check what comes and
// goes.
//
// Without this it loads a validator and a serialiser for JSON schemas, a hundred files, at each
// start of a server.

import type { FastifyServerOptions } from 'fastify';

type SchemaController = NonNullable<FastifyServerOptions['schemaController']>;

const compilersFactory = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
};

/** Fastify declares the very compilers that it would load. */
export const NO_SCHEMAS = { compilersFactory } as unknown as SchemaController;
