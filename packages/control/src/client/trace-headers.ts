// The span that a request is made in, for the host that gets it.

import { tracingApi } from '../tracing-api.js';

/** None where the process has no OpenTelemetry SDK. */
export async function traceHeaders(): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  const api = await tracingApi();
  api?.propagation.inject(api.context.active(), headers);
  return headers;
}
