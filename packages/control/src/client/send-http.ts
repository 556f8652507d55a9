// One HTTP request and its whole answer, with or without certificates.

import { request as requestPlain, type RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { VERSION_HEADER } from '../version.js';
import { traceHeaders } from './trace-headers.js';
import { watchHost } from './watch-host.js';
import type { Certificates } from '../service/service-tls.js';

export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** Of the service, where it says so. */
  readonly version?: string;
  /** Of a redirection. */
  readonly location?: string;
}

/** Rejects with the system's or the signal's error when there is no answer. */
export async function sendHttp(
  url: string,
  { method, headers, body, signal }: HttpRequest,
  certificates?: Certificates,
): Promise<HttpAnswer> {
  const options: RequestOptions = {
    method,
    headers: { ...(await traceHeaders()), ...headers },
    ...(signal && { signal }),
  };
  return await new Promise((resolve, reject) => {
    const request = open(url, options, certificates);
    const stopWatching = watchHost(url, (error) => request.destroy(error));
    request.on('close', stopWatching);
    request.on('error', (error) => reject(signal?.aborted ? (signal.reason as Error) : error));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { location, [VERSION_HEADER]: version } = response.headers;
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          text,
          ...(typeof version === 'string' && { version }),
          ...(location && { location }),
        });
      });
    });
    request.end(body);
  });
}

/** `unix:/run/daos/agent.sock/v1/pools`: the path on the socket begins with /v1. */
const UNIX_URL = /^unix:(.+?)(\/v1\/.*)$/;

function open(url: string, options: RequestOptions, certificates: Certificates | undefined) {
  const unix = UNIX_URL.exec(url);
  if (unix) {
    const [, socketPath, path] = unix;
    return requestPlain({ ...options, socketPath, path, agent: false });
  }
  return url.startsWith('https:')
    ? requestSecure(url, { ...options, ...tlsOptionsOf(certificates) })
    : requestPlain(url, options);
}

function tlsOptionsOf(certificates: Certificates | undefined): object {
  if (!certificates) return {};
  const { authority, certificate, key } = certificates;
  return { ca: authority, cert: certificate, key, minVersion: 'TLSv1.3' };
}
