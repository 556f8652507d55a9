// Spans of OpenTelemetry: one for each request, and beneath it one for each command to an engine.
//
// Where the process has no OpenTelemetry SDK the API does nothing.

import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
} from '@opentelemetry/api';
import { DaosError } from '@daos/model';
import {
  ENGINE_METHODS,
  type EngineControl,
  type EngineDirectory,
  type EngineMethod,
} from './engines/engine-control.js';

const TRACER = '@daos/control';

interface SpanOptions {
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly parent?: Context;
}

/** Runs `action` in a span that ends with it. */
export async function inSpan<T>(
  name: string,
  { parent = context.active(), ...options }: SpanOptions,
  action: () => Promise<T>,
): Promise<T> {
  const tracer = trace.getTracer(TRACER);
  return await tracer.startActiveSpan(name, options, parent, async (span) => {
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
  const parent = propagation.extract(context.active(), request.headers);
  return inSpan(name, { kind: SpanKind.SERVER, attributes, parent }, action);
}

/** The same engines, each command a span. */
export function tracedEngines(engines: EngineDirectory): EngineDirectory {
  const methods = Object.keys(ENGINE_METHODS) as EngineMethod[];
  const engineOf = (rank: number): EngineControl => {
    const engine = engines.engineOf(rank);
    const traced = (method: EngineMethod) => (parameters: never) =>
      inSpan(
        `engine.${method}`,
        { kind: SpanKind.CLIENT, attributes: { 'daos.rank': rank } },
        () => engine[method](parameters) as Promise<unknown>,
      );
    const entries = methods.map((method) => [method, traced(method)]);
    return Object.fromEntries(entries) as EngineControl;
  };
  return Object.assign(Object.create(engines) as EngineDirectory, { engineOf });
}

/** For a request to another host. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}
