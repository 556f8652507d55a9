// What engines did for requests that their clients trace, as spans of OpenTelemetry: one for the
// request, beneath the client's span of another process, and beneath it one for each stage.
//
// Where the process has no OpenTelemetry SDK there are none.

import type { Tracer } from '@opentelemetry/api';
import { tracingApi, type TracingApi } from '../tracing-api.js';
import type { RequestSpan } from './request-span.js';

export * from './request-span.js';

const TRACER = '@daos/engine';
const NS_PER_SECOND = 1_000_000_000n;

/** Gives the spans to `tracer`; by default to the SDK of this process. */
export async function reportRequestSpans(
  rank: number,
  spans: readonly RequestSpan[],
  tracer?: Tracer,
): Promise<void> {
  const api = tracer ? await import('@opentelemetry/api') : await tracingApi();
  if (!api) return;
  const to = tracer ?? api.trace.getTracer(TRACER);
  for (const span of spans) report(api, to, rank, span);
}

function report(
  { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags }: TracingApi,
  tracer: Tracer,
  rank: number,
  request: RequestSpan,
): void {
  const { traceId, parentSpanId, target, operation, error, tookNs, stages } = request;
  const beganNs = BigInt(request.beganNs);
  const timeOf = (ns: number): [number, number] => {
    const time = beganNs + BigInt(ns);
    return [Number(time / NS_PER_SECOND), Number(time % NS_PER_SECOND)];
  };
  const caller = trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: true },
  });
  const attributes = { 'daos.rank': rank, 'daos.target': target };
  const span = tracer.startSpan(
    `engine.${operation}`,
    { kind: SpanKind.SERVER, attributes, startTime: timeOf(0) },
    caller,
  );
  const beneath = trace.setSpan(caller, span);
  stages.forEach(({ stage, beganNs: from }, index) => {
    const to = stages[index + 1]?.beganNs ?? tookNs;
    const name = stage === 'vos' ? `vos.${operation}` : `engine.${stage}`;
    tracer.startSpan(name, { startTime: timeOf(from) }, beneath).end(timeOf(to));
  });
  if (error !== '') {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.setAttribute('error.type', error);
  }
  span.end(timeOf(tookNs));
}
