// Spans of OpenTelemetry: one for each request, and beneath it one for each command to an engine.
//
// Where the process has no OpenTelemetry SDK there are none.

import type { Attributes } from '@opentelemetry/api';
import { DaosError } from '@daos/model';
import {
  ENGINE_METHODS,
  type EngineControl,
  type EngineDirectory,
  type EngineMethod,
} from './engines/engine-control.js';
import { tracingApi } from './tracing-api.js';

const TRACER = '@daos/control';

interface SpanOptions {
  readonly kind: 'SERVER' | 'CLIENT';
  readonly attributes: Attributes;
  /** Of a request, where its caller may have told its own span. */
  readonly headers?: object;
}

/** Runs `action` in a span that ends with it. */
async function inSpan<T>(
  name: string,
  { kind, attributes, headers }: SpanOptions,
  action: () => Promise<T>,
): Promise<T> {
  const api = await tracingApi();
  if (!api) return await action();
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api;
  const active = context.active();
  const parent = headers ? propagation.extract(active, headers) : active;
  const options = { kind: SpanKind[kind], attributes };
  return await trace.getTracer(TRACER).startActiveSpan(name, options, parent, async (span) => {
    try {
      return await action();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      if (DaosError.is(error)) span.setAttribute('error.type', error.code);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A request whose caller may have told its own span. */
export function inRequestSpan<T>(
  name: string,
  request: { method: string; url: string; headers: object },
  action: () => Promise<T>,
): Promise<T> {
  const attributes = {
    'http.request.method': request.method,
    'url.path': request.url.replace(/\?.*$/, ''),
  };
  return inSpan(name, { kind: 'SERVER', attributes, headers: request.headers }, action);
}

/** The same engines, each command a span. */
export function tracedEngines(engines: EngineDirectory): EngineDirectory {
  const methods = Object.keys(ENGINE_METHODS) as EngineMethod[];
  const engineOf = (rank: number): EngineControl => {
    const engine = engines.engineOf(rank);
    const traced = (method: EngineMethod) => (parameters: never) =>
      inSpan(
        `engine.${method}`,
        { kind: 'CLIENT', attributes: { 'daos.rank': rank } },
        () => engine[method](parameters) as Promise<unknown>,
      );
    const entries = methods.map((method) => [method, traced(method)]);
    return Object.fromEntries(entries) as EngineControl;
  };
  return Object.assign(Object.create(engines) as EngineDirectory, { engineOf });
}
