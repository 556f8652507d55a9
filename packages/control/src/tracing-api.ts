// The API of OpenTelemetry, where something is registered with it.
//
// It is loaded only then, and then it is loaded already: fifty files, which every start of a
// program would spend time on.

export type TracingApi = typeof import('@opentelemetry/api');

/** By which all versions of the API find what was registered in a process. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

/** Undefined where nothing is registered: then there are no spans. */
export async function tracingApi(): Promise<TracingApi | undefined> {
  return REGISTRY in globalThis ? await import('@opentelemetry/api') : undefined;
}
