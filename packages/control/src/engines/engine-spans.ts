// What engines did for requests that their clients trace, as spans of OpenTelemetry: one for the
// request, beneath the client's span of another process, and beneath it one for each stage.
//
// Where the process has no OpenTelemetry SDK the API does nothing.

import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import * as z from 'zod';

export const requestSpanSchema = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  parentSpanId: z.string().regex(/^[0-9a-f]{16}$/),
  target: z.int().min(0),
  operation: z.string(),
  error: z.string(),
  beganNs: z.string().regex(/^\d{1,20}$/),
  tookNs: z.number().min(0),
  stages: z.array(z.object({ stage: z.string(), beganNs: z.number().min(0) })),
});
export type RequestSpan = z.infer<typeof requestSpanSchema>;

const TRACER = '@daos/engine';
const NS_PER_SECOND = 1_000_000_000n;

/** Gives the spans to `tracer`; by default to the SDK of this process. */
export function reportRequestSpans(
  rank: number,
  spans: readonly RequestSpan[],
  tracer: Tracer = trace.getTracer(TRACER),
): void {
  for (const span of spans) report(rank, span, tracer);
}

function report(rank: number, request: RequestSpan, tracer: Tracer): void {
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
