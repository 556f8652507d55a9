// Spans of OpenTelemetry for what a client does, where its program wants them.
//
// Without a tracer nothing of this is on the path of an operation.
import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { DaosError } from '@daos/model';
import type { CommandWriter, NativeFunction } from '@daos/native';
import type { ClientAddon } from './binding.js';

type Run = ClientAddon['operations']['run'];

/**
 * The same addon, whose every call is a span: `daos.objectUpdate`, `daos.containerOpen`, … What
 * operations on objects do in their engine is beneath it, where the trace is sampled.
 */
export function tracedAddon(addon: ClientAddon, tracer: Tracer): ClientAddon {
  const { binding, operations } = addon;
  const atEngine = new Set<NativeFunction>([
    binding.objectUpdate,
    binding.objectFetch,
    binding.objectPunch,
    binding.objectEnumerate,
    binding.objectQuery,
    binding.arrayWrite,
    binding.arrayRead,
    binding.arraySize,
    binding.arraySetSize,
    binding.arrayPunch,
  ]);
  const names = new Map(Object.entries(binding).map(([name, call]) => [call, name]));
  const run: Run = (submit, handle, decode, data, signal) => {
    const span = tracer.startSpan(`daos.${names.get(submit) ?? 'call'}`, {
      kind: SpanKind.CLIENT,
      ...(data && { attributes: { 'daos.bytes': sizeOf(data) } }),
    });
    if (atEngine.has(submit)) tellEngine(operations.command, span);
    return ended(span, operations.run(submit, handle, decode, data, signal));
  };
  const { command } = operations;
  const watchWaiting = operations.watchWaiting.bind(operations);
  const { spinMicroseconds } = operations;
  return { ...addon, operations: { command, run, watchWaiting, spinMicroseconds } };
}

function tellEngine(command: CommandWriter, span: Span): void {
  const { traceId, spanId, traceFlags } = span.spanContext();
  if ((traceFlags & TraceFlags.SAMPLED) !== 0) command.trace(traceId, spanId);
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
