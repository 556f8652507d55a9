// Goal:   a program that traces sees where its time goes: its calls, the requests that they make of
//         the control service, and the commands to engines beneath those.
// Method: a real server and client, whose spans are kept in memory; the control service of the
//         second test is of this process, so that its spans are seen too.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { Client } from '@daos/client';
import { ControlPlane, LmdbStore, type EngineControl } from '@daos/control';
import { ControlService } from '@daos/control/service';
import { makeObjectId } from '@daos/model';
import { outcomeOf, TestSystem } from './system-fixture.js';

const MIB = 2 ** 20;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
});

afterAll(() => {
  for (const api of [context, propagation, trace]) api.disable();
});

beforeEach(() => {
  exporter.reset();
});

function spanOf(name: string): ReadableSpan {
  const found = exporter.getFinishedSpans().filter((span) => span.name === name);
  expect([name, found.length]).toEqual([name, 1]);
  return found[0] as ReadableSpan;
}

const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId;

describe('cli/tracing', () => {
  test('every call of a client is a span, with what it moved and how it failed', async () => {
    await using system = await TestSystem.start();
    const control = system.admin();
    await control.call('createPool', { body: { label: 'p', size: 128 * MIB } });
    await control.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
    await using client = await Client.connect({ control: system.url, tracer });
    await using pool = await client.openPool('p');
    await using container = await pool.openContainer('c');
    const oid = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'S1' });
    const object = container.object(oid);
    await tracer.startActiveSpan('work', async (work) => {
      await object.update('k', 'a', 'hello');
      const failing = object.fetch('none', 'a', { conditions: ['dkeyFetch'] });
      expect(await outcomeOf(failing)).toBe('DER_NONEXIST');
      work.end();
    });
    const update = spanOf('daos.objectUpdate');
    expect(update.attributes['daos.bytes']).toBe(5);
    expect(parentOf(update)).toBe(spanOf('work').spanContext().spanId);
    expect(spanOf('daos.objectFetch')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'DER_NONEXIST' },
    });
    expect(parentOf(spanOf('daos.containerOpen'))).toBe(
      spanOf('daos.openContainer').spanContext().spanId,
    );
  }, 60_000);

  test('a request and its commands to engines belong to the span of the caller', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'daos-tracing-'));
    const store = LmdbStore.open({ directory: scratch });
    const engine = new Proxy({} as EngineControl, { get: () => async () => ({ targets: [] }) });
    const engines = { engineOf: () => engine };
    const control = new ControlPlane({ store, engines, log: silent });
    await control.joinRank({
      ...{ rank: 0, host: 'here', faultDomain: '/here', targetCount: 1, addresses: [[]] },
      ...{ storageCapacityBytes: 2 ** 33, memoryCapacityBytes: 2 ** 33 },
    });
    const service = await ControlService.start({
      ...{ control, address: '127.0.0.1', port: 0, insecure: true, version: '1', log: silent },
    });
    const { ControlClient } = await import('@daos/control/client');
    const client = new ControlClient({ url: service.url });
    await tracer.startActiveSpan('work', async (work) => {
      await client.call('createPool', { body: { label: 'p', size: 128 * MIB } });
      work.end();
    });
    await service.close();
    await store.close();
    rmSync(scratch, { recursive: true });
    const request = spanOf('createPool');
    expect(parentOf(request)).toBe(spanOf('work').spanContext().spanId);
    expect(request.attributes).toMatchObject({ 'url.path': '/v1/pools' });
    const command = spanOf('engine.createPool');
    expect(parentOf(command)).toBe(request.spanContext().spanId);
    expect(command.attributes).toMatchObject({ 'daos.rank': 0 });
  }, 60_000);
});
