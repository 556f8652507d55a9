// What a program of a test imports first so that its spans can be seen from outside: each is
// appended, a line of JSON, to the file that `?to=` names behind this module's own.
import { appendFileSync } from 'node:fs';
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';

/** The part of a span that tests look at. */
export interface WrittenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly attributes: ReadableSpan['attributes'];
}

const msOf = ([seconds, nanoseconds]: readonly [number, number]): number =>
  seconds * 1000 + nanoseconds / 1_000_000;

function writtenOf(span: ReadableSpan): WrittenSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    ...{ name: span.name, traceId, spanId, parentSpanId: span.parentSpanContext?.spanId },
    ...{ beganMs: msOf(span.startTime), endedMs: msOf(span.endTime) },
    attributes: span.attributes,
  };
}

function exporterTo(file: string): SpanExporter {
  return {
    export: (spans, done) => {
      for (const span of spans) appendFileSync(file, `${JSON.stringify(writtenOf(span))}\n`);
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
}

const file = new URL(import.meta.url).searchParams.get('to');
if (file !== null) {
  const spanProcessors = [new SimpleSpanProcessor(exporterTo(file))];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
}
