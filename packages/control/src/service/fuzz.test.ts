// Goal:   whatever is sent to a route, the answer is one of those that the OpenAPI document names:
//         never an error of the inside, never silence, and the service goes on.
// Method: requests made from the document itself: what its schemas allow, with parts replaced by
//         what they do not. Half of them name things that exist. A real store; engines that agree
//         to everything that is well formed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DaosError } from '@daos/model';
import fc, { type Arbitrary } from 'fast-check';
import { openApiDocument } from '../api/openapi.js';
import { errorBodySchema, ROUTE_LIST } from '../api/routes.js';
import { ControlPlane } from '../control-plane.js';
import type { EngineControl } from '../engines/engine-control.js';
import { LmdbStore } from '../metadata/lmdb-store.js';
import { ControlService } from './control-service.js';

const REQUEST_COUNT = 40;
const GIB = 2 ** 30;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const scratch = mkdtempSync(join(tmpdir(), 'daos-fuzz-'));

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { name: string; in: string; schema: Schema }[];
  readonly requestBody?: { content: { 'application/json': { schema: Schema } } };
}

let epoch = 1000n;
const willing = new Proxy({} as EngineControl, {
  get: () => async () => ({ targets: [], devices: [], epoch: String(epoch++) }),
});
/** Routes that got beyond the check of what was sent. */
const taken: string[] = [];
const failures: string[] = [];
let store: LmdbStore;
let control: ControlPlane;
let service: ControlService;

const junk: Arbitrary<unknown> = fc.oneof(
  fc.anything({ maxDepth: 2 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom<unknown>(
    ...['__proto__', 'constructor', '../../etc/passwd', '%00', '\u202e', '', ' ', 'x'.repeat(300)],
    ...[-1, 1.5, 2 ** 53, 1e308, null, [], {}, true],
  ),
  fc.constant(JSON.parse('{"__proto__": {"isAdministrator": true}}') as unknown),
);

/** How many of ten values are what the schema allows. */
type Obedience = 9 | 10;

function valueOf(schema: Schema, obedience: Obedience): Arbitrary<unknown> {
  const good = allowed(schema, obedience);
  if (obedience === 10) return good;
  return fc.oneof({ weight: obedience, arbitrary: good }, { weight: 1, arbitrary: junk });
}

function allowed(schema: Schema, obedience: Obedience): Arbitrary<unknown> {
  const inside = (part: Schema) => valueOf(part, obedience);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(inside));
  if (schema.type === 'string') return textOf(schema);
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'integer' || schema.type === 'number') return numberOf(schema);
  if (schema.type === 'array') return fc.array(inside(schema.items ?? {}), { maxLength: 4 });
  if (schema.type === 'object') return objectOf(schema, inside);
  return junk;
}

const NAMES = [
  ...['p', 'c', '/rack0/host1', 'alice@', 'A::alice@:rw', 'A:G:staff@:r', 's', '1', '0x10', 'true'],
];

function textOf({ pattern }: Schema): Arbitrary<string> {
  if (pattern === undefined) {
    return fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 20 }));
  }
  const like = new RegExp(pattern);
  const names = NAMES.filter((name) => like.test(name));
  const others = fc.stringMatching(like, { maxLength: 60 });
  return names.length > 0 ? fc.oneof(fc.constantFrom(...names), others) : others;
}

function numberOf({ type, minimum = 0, maximum = 4 * GIB }: Schema): Arbitrary<number> {
  const small = { min: minimum, max: Math.min(maximum, minimum + 5) };
  const large = { min: minimum, max: Math.min(maximum, Number.MAX_SAFE_INTEGER) };
  if (type === 'integer') {
    return fc.oneof(fc.integer(small), fc.maxSafeInteger(), fc.integer(large));
  }
  return fc.double({ ...large, noNaN: true });
}

function objectOf(
  { properties = {}, required = [], additionalProperties }: Schema,
  inside: (part: Schema) => Arbitrary<unknown>,
) {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [name, inside(field)]),
  );
  const known = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  if (typeof additionalProperties !== 'object') return known;
  const more = fc.dictionary(fc.string({ maxLength: 10 }), inside(additionalProperties));
  return fc.tuple(known, more).map(([first, second]) => ({ ...second, ...first }));
}

interface Request {
  readonly url: string;
  readonly body: string | undefined;
  readonly key: string | undefined;
}

function requestOf(
  path: string,
  { parameters = [], requestBody }: Operation,
  obedience: Obedience,
) {
  const values = parameters
    .filter((parameter) => parameter.in !== 'header')
    .map((parameter) =>
      fc.oneof(
        fc.constant(parameter.name === 'container' ? 'c' : parameter.name === 'rank' ? '0' : 'p'),
        valueOf(parameter.schema, obedience).map((value) => textFrom(value)),
      ),
    );
  const schema = requestBody?.content['application/json'].schema;
  const body = schema
    ? fc.oneof(
        { weight: 9, arbitrary: valueOf(schema, obedience).map((v) => JSON.stringify(v)) },
        { weight: 10 - obedience, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
      )
    : fc.constant(undefined);
  const key = fc.option(fc.constantFrom('k1', 'k2', 'x'.repeat(129)), { nil: undefined });
  return fc.tuple(fc.tuple(...values), body, key).map(([given, text, requestKey]): Request => {
    const names = parameters.filter((parameter) => parameter.in !== 'header');
    const query = new URLSearchParams();
    let url = path;
    for (const [index, { name, in: place }] of names.entries()) {
      const value = given[index] ?? '';
      if (place === 'path') url = url.replace(`{${name}}`, encodeURIComponent(value));
      else query.append(name, value);
    }
    return { url: query.size > 0 ? `${url}?${query}` : url, body: text, key: requestKey };
  });
}

function textFrom(value: unknown): string {
  const isPlain = typeof value !== 'object' || value === null;
  // A URL can't hold half a surrogate pair.
  return Buffer.from(isPlain ? String(value) : (JSON.stringify(value) ?? '')).toString();
}

const document = openApiDocument('1') as { paths: Record<string, Record<string, Operation>> };
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, operation]) =>
      [operation.operationId, method.toUpperCase(), path, operation] as const,
  ),
);

beforeAll(async () => {
  store = LmdbStore.open({ directory: scratch });
  const log = { ...silent, error: (message: string) => void failures.push(message) };
  control = new ControlPlane({ store, engines: { engineOf: () => willing }, log });
  service = await ControlService.start({
    ...{ control, address: '127.0.0.1', port: 0, insecure: true, version: '1', log },
  });
});

/** What requests name; earlier ones may have destroyed, excluded or renamed it. */
beforeEach(async () => {
  await control.joinRank({
    rank: 0,
    host: 'here',
    faultDomain: '/here',
    targetCount: 1,
    storageCapacityBytes: 64 * GIB,
    memoryCapacityBytes: 64 * GIB,
    addresses: [[]],
  });
  await control.clearExcludedRank(0);
  await control.setRankState(0, 'joined');
  for (const make of [
    () => control.createPool({ label: 'p', ranks: [0], size: GIB }),
    () => control.createContainer('p', { label: 'c' }),
    () => control.createSnapshot('p', 'c', { name: 's' }),
  ]) {
    await make().catch((error: unknown) => {
      if (!DaosError.is(error, 'DER_EXIST')) throw error;
    });
  }
});

afterAll(async () => {
  await service.close();
  await store.close();
  rmSync(scratch, { recursive: true });
});

describe('control/fuzz', () => {
  test('the document has every route', () => {
    expect(OPERATIONS.map(([name]) => name).sort()).toEqual(
      ROUTE_LIST.map(({ name }) => name).sort(),
    );
  });

  test.each(OPERATIONS)('%s answers as its document says', async (name, method, path, about) => {
    const route = ROUTE_LIST.find((known) => known.name === name);
    const statuses = new Set<number>();
    const check = async ({ url, body, key }: Request) => {
      const response = await fetch(service.url + url, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(key !== undefined && { 'idempotency-key': key }),
        },
        ...(body !== undefined && { body }),
      });
      statuses.add(response.status);
      const answer: unknown = await response.json();
      if (response.status === 200) route?.response.parse(answer);
      else expect(errorBodySchema.parse(answer).error.code).not.toBe('DER_MISC');
      expect(failures).toEqual([]);
    };
    const options = { numRuns: REQUEST_COUNT, endOnFailure: true };
    const requests = fc.oneof(requestOf(path, about, 10), requestOf(path, about, 9));
    await fc.assert(fc.asyncProperty(requests, check), options);
    expect((await fetch(`${service.url}/v1/pools`)).status).toBe(200);
    if ([...statuses].some((status) => status !== 400 && status !== 404)) taken.push(name);
  });

  test('most requests were well formed, and named what is there', () => {
    expect(taken.length).toBeGreaterThan(OPERATIONS.length / 2);
  });
});
