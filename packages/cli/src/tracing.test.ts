// Goal:   a program that traces sees where its time goes: its calls, the requests that they make of
//         the control service, and the commands to engines beneath those.
// Method: a real server and client, whose spans are kept in memory, and those of the server in a
//         file; the control service of the last test is of this process, so that its spans are seen
//         too.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { context, propagation, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
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
import type { WrittenSpan } from './span-file-fixture.js';
import { outcomeOf, TestSystem, until } from './system-fixture.js';

const MIB = 2 ** 20;
const SPANS_TO = `file://${join(import.meta.dirname, '../dist/span-file-fixture.js')}?to=`;
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

/** Those of a server that was started with span-file-fixture. */
function engineSpansOf(file: string): WrittenSpan[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const spans = lines.map((line) => JSON.parse(line) as WrittenSpan);
  return spans.filter(({ name }) => /^(engine|vos)\./.test(name));
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
  });

  test('what an engine does for a sampled call is beneath it, down to the store', async () => {
    const spanFile = join(mkdtempSync(join(tmpdir(), 'daos-spans-')), 'spans');
    await using system = await TestSystem.start({ preload: `${SPANS_TO}${spanFile}` });
    const control = system.admin();
    await control.call('createPool', { body: { label: 'p', size: 128 * MIB } });
    await control.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
    await using client = await Client.connect({ control: system.url, tracer });
    await using pool = await client.openPool('p');
    await using container = await pool.openContainer('c');
    const oid = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'S1' });
    const object = container.object(oid);
    const unsampled = trace.setSpanContext(context.active(), {
      ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.NONE },
    });
    await context.with(unsampled, () => object.update('before', 'a', 'nobody looks'));
    await object.update('k', 'a', 'hello');
    expect(Buffer.from((await object.fetch('k', 'a')) ?? []).toString()).toBe('hello');
    const spans = await until(() => {
      const found = engineSpansOf(spanFile);
      return found.some(({ name }) => name === 'engine.fetch') ? found : undefined;
    });
    rmSync(dirname(spanFile), { recursive: true });
    expect(spans.filter(({ name }) => name === 'engine.update')).toHaveLength(1);
    for (const operation of ['update', 'fetch']) {
      const call = spanOf(`daos.object${operation.replace(/^./, (c) => c.toUpperCase())}`);
      const request = spans.find(({ name }) => name === `engine.${operation}`);
      expect(request).toMatchObject({
        ...{ traceId: call.spanContext().traceId, parentSpanId: call.spanContext().spanId },
        attributes: { 'daos.rank': 0, 'daos.target': 0 },
      });
      const stages = spans.filter(({ parentSpanId }) => parentSpanId === request?.spanId);
      expect(stages.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['engine.admit', `vos.${operation}`, 'engine.durable']),
      );
      for (const { beganMs, endedMs } of stages) {
        expect(beganMs).toBeGreaterThanOrEqual(request?.beganMs ?? Infinity);
        expect(endedMs).toBeGreaterThanOrEqual(beganMs);
        expect(endedMs).toBeLessThanOrEqual(request?.endedMs ?? 0);
      }
    }
  });

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
  });
});
