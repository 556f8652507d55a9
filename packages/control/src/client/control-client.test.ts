// Goal:   an answer is as the schema of its route says, whoever made it.
// Method: a service that answers what the test wants, of our own version and of others. That our
//         own services check what they answer is tried with a route that answers wrongly.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ROUTE_LINES } from '../api/route-lines.js';
import { ROUTE_LIST, ROUTES } from '../api/routes.js';
import type { Route } from '../api/route.js';
import { answerOf } from '../service/call-route.js';
import { CONTROL_VERSION, VERSION_HEADER } from '../version.js';
import { ControlClient } from './control-client.js';

let server: Server;
let client: ControlClient;
let answer: { status: number; version?: string; body: string };

beforeAll(async () => {
  server = createServer((_request, response) => {
    if (answer.version !== undefined) response.setHeader(VERSION_HEADER, answer.version);
    response.writeHead(answer.status).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new ControlClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const LEADER = { url: 'http://10.0.0.1:10001', term: 1 };

describe('control/control-client', () => {
  test('each route has one line, and is found by it', () => {
    expect(Object.keys(ROUTE_LINES).toSorted()).toEqual(Object.keys(ROUTES).toSorted());
    for (const { name, method, path } of ROUTE_LIST) {
      expect(ROUTE_LINES[name as keyof typeof ROUTE_LINES]).toMatchObject({ method, path });
    }
    const places = Object.values(ROUTE_LINES).map(({ method, path }) => `${method} ${path}`);
    expect(new Set(places).size).toBe(places.length);
  });

  test.each([['another'], [undefined]])('of version %s an answer is checked', async (version) => {
    const of = { status: 200, ...(version !== undefined && { version }) };
    answer = { ...of, body: JSON.stringify({ pools: [{ uuid: 1 }] }) };
    await expect(client.call('listPools')).rejects.toThrow(/uuid/);
    answer = { ...of, body: JSON.stringify({ pools: [], more: 1 }) };
    await expect(client.call('listPools')).resolves.toEqual({ pools: [] });
  });

  test('of our own version it was checked by the service', async () => {
    answer = { status: 200, version: CONTROL_VERSION, body: JSON.stringify(LEADER) };
    await expect(client.call('getLeader')).resolves.toEqual(LEADER);
    const route = ROUTES.listPools as unknown as Route;
    expect(answerOf(route, { pools: [], secret: 1 })).toEqual({ pools: [] });
    expect(() => answerOf(route, { pools: [{}] })).toThrow(/answer of listPools/);
  });

  test.each([
    ['{}'],
    ['not JSON'],
    ['{"error": {"code": "NO_CODE", "message": "m", "action": "a"}}'],
    ['{"error": {"code": "toString", "message": "m", "action": "a"}}'],
    ['{"error": {"code": "DER_BUSY", "message": 1, "action": "a"}}'],
    ['{"error": null}'],
    ['null'],
  ])('%s is the body of no error', async (body) => {
    answer = { status: 409, body };
    await expect(client.call('listPools')).rejects.toThrow(/answered 409, which is not a DAOS/);
  });

  test('an error says what the service said', async () => {
    const error = { code: 'DER_NOSPACE', message: 'm', action: 'a' };
    answer = { status: 507, body: JSON.stringify({ error }) };
    await expect(client.call('listPools')).rejects.toMatchObject(error);
  });
});
