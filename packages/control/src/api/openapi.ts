// The OpenAPI document of the control service, made from its routes.

import * as z from 'zod';
import { errorBodySchema, ROUTE_LIST } from './routes.js';
import type { Route } from './route.js';
import { workProgressSchema } from '../work-progress.js';

/** OpenAPI 3.1, whose schemas are JSON Schema. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTE_LIST) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'DAOS control service',
      version,
      description: 'Ranks, pools and containers. Errors carry a code of the error table.',
    },
    paths,
    components: { schemas: { Error: schemaOf(errorBodySchema, 'output') } },
  };
}

function operationOf(route: Route): object {
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...(route.method === 'GET' ? [] : [IDEMPOTENCY_PARAMETER, PREFER_PARAMETER]),
  ];
  return {
    operationId: route.name,
    summary: route.summary,
    'x-daos-roles': ['admin', ...route.roles],
    ...(parameters.length > 0 && { parameters }),
    ...(!(route.body instanceof z.ZodUndefined) && {
      requestBody: { required: true, content: jsonContent(schemaOf(route.body, 'input')) },
    }),
    responses: {
      200: { description: 'Done', content: jsonContent(schemaOf(route.response, 'output')) },
      ...(route.method !== 'GET' && { 202: UNDER_WAY }),
      default: {
        description: 'An error',
        content: jsonContent({ $ref: '#/components/schemas/Error' }),
      },
    },
  };
}

const IDEMPOTENCY_PARAMETER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request with the same key is carried out once and answered twice',
  schema: { type: 'string', maxLength: 128 },
};

const PREFER_PARAMETER = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description: '`wait=2`: after so many seconds the answer to a request with a key may be 202',
  schema: { type: 'string' },
};

const UNDER_WAY = {
  description: 'The work goes on: the same request with the same key asks for the end of it',
  content: jsonContent(schemaOf(z.object({ progress: workProgressSchema.optional() }), 'output')),
};

function parametersOf(schema: z.ZodType, place: 'path' | 'query'): object[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !field.safeParse(undefined).success,
    schema: schemaOf(field, 'input'),
  }));
}

function jsonContent(schema: object): object {
  return { 'application/json': { schema } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
