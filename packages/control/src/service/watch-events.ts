// Changes of the control metadata as server-sent events.
//
// Each event has the store's revision as its id; a client that comes back with Last-Event-ID misses
// nothing, or is told with DER_STALE to read everything again.

import { once } from 'node:events';
import { DaosError } from '@daos/model';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ControlPlane } from '../control-plane.js';
import type { WatchEvent } from '../metadata/metadata-store.js';
import { daosErrorOf, errorBodyOf } from './http-errors.js';

/** What may be watched: the topic, and the part of the store it shows. */
const TOPICS: Readonly<Record<string, string>> = {
  ranks: '/ranks/',
  pools: '/pools/',
  containers: '/containers/',
};

export interface WatchEventsOptions {
  readonly control: ControlPlane;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Ends the stream. */
  readonly closing: AbortSignal;
}

export async function watchEvents(options: WatchEventsOptions): Promise<FastifyReply> {
  const { control, request, reply } = options;
  const prefix = prefixOf(request);
  const afterRevision = revisionOf(request.headers['last-event-id']);
  const gone = new AbortController();
  const signal = AbortSignal.any([options.closing, gone.signal]);
  reply.raw.on('close', () => gone.abort());
  const events = control.store.watch({
    prefix,
    signal,
    ...(afterRevision !== undefined && { afterRevision }),
  });
  reply.hijack();
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
  });
  // A comment: tells the client that from now on it misses nothing.
  reply.raw.write(': watching\n\n');
  try {
    for await (const event of events) {
      if (!reply.raw.write(format(event))) await once(reply.raw, 'drain', { signal });
    }
  } catch (error) {
    const body = JSON.stringify(errorBodyOf(daosErrorOf(error)));
    if (!signal.aborted) reply.raw.write(`event: error\ndata: ${body}\n\n`);
  }
  reply.raw.end();
  return reply;
}

function prefixOf(request: FastifyRequest): string {
  const topic = (request.query as Record<string, unknown>)['topic'];
  const prefix = typeof topic === 'string' ? TOPICS[topic] : undefined;
  if (prefix !== undefined) return prefix;
  throw new DaosError('DER_INVAL', `topic must be one of ${Object.keys(TOPICS).join(', ')}`);
}

function revisionOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const revision = Number(header);
  if (Number.isSafeInteger(revision) && revision >= 0) return revision;
  throw new DaosError('DER_INVAL', `Last-Event-ID '${String(header)}' is not a revision`);
}

function format(event: WatchEvent): string {
  const [revision, data] =
    event.type === 'put'
      ? [event.entry.modRevision, { key: event.entry.key, value: JSON.parse(event.entry.value) }]
      : [event.modRevision, { key: event.key }];
  return `id: ${revision}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
