// Spans of OpenTelemetry for what a client does, where its program wants them.
//
// Without a tracer nothing of this is on the path of an operation.
import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { DaosError } from '@daos/model';
import type { ClientAddon } from './binding.js';

type Run = ClientAddon['operations']['run'];

/** The same addon, whose every call is a span: `daos.objectUpdate`, `daos.containerOpen`, … */
export function tracedAddon(addon: ClientAddon, tracer: Tracer): ClientAddon {
  const names = new Map(Object.entries(addon.binding).map(([name, call]) => [call, name]));
  const { operations } = addon;
  const run: Run = (submit, handle, decode, data, signal) => {
    const span = tracer.startSpan(`daos.${names.get(submit) ?? 'call'}`, {
      kind: SpanKind.CLIENT,
      ...(data && { attributes: { 'daos.bytes': sizeOf(data) } }),
    });
    return ended(span, operations.run(submit, handle, decode, data, signal));
  };
  const { command } = operations;
  const watchWaiting = operations.watchWaiting.bind(operations);
  return { ...addon, operations: { command, run, watchWaiting } };
}

/** Runs `action` in a span that those of its calls belong to. */
export async function inSpan<T>(
  tracer: Tracer | undefined,
  name: string,
  action: () => Promise<T>,
): Promise<T> {
  if (!tracer) return await action();
  const span = tracer.startSpan(name);
  return await context.with(trace.setSpan(context.active(), span), () => ended(span, action()));
}

/** What tells a control service which span its own belong to; nothing where nobody traces. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}

async function ended<T>(span: Span, outcome: Promise<T>): Promise<T> {
  try {
    return await outcome;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    if (DaosError.is(error)) span.setAttribute('error.type', error.code);
    throw error;
  } finally {
    span.end();
  }
}

function sizeOf(data: Uint8Array | readonly Uint8Array[]): number {
  if (data instanceof Uint8Array) return data.byteLength;
  return data.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
