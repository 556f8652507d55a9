// Where the metrics of one host are told, and what is told there.

import { sendHttp } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { DaosError, nearestOf } from '@daos/model';
import { parseMetrics, type MetricFamily } from './openmetrics.js';

const TIMEOUT_MS = 30_000;
const PORT_MAX = 65_535;

/** Of `HOST[:PORT]`; a whole address is taken as it is. */
export function metricsUrl(
  controlUrl: string,
  isSecure: boolean,
  host: string,
  port: string | undefined,
): string {
  if (/^https?:\/\//.test(host)) {
    if (port === undefined && URL.canParse(host)) return host;
    throw new DaosError('DER_INVAL', `'${host}' is no address, or has its port already`);
  }
  const [, name = '', own] = /^([^\s:/]+|\[[\da-f:]+\])(?::(\d+))?$/i.exec(host) ?? [];
  if (name === '' || (own !== undefined && port !== undefined)) {
    throw new DaosError('DER_INVAL', `'${host}' is no HOST[:PORT], or has its port already`);
  }
  const number = Number(own ?? port ?? portOf(controlUrl));
  if (!Number.isInteger(number) || number < 1 || number > PORT_MAX) {
    throw new DaosError('DER_INVAL', `'${own ?? port}' is no port, as 10001`);
  }
  return `${isSecure ? 'https' : 'http'}://${name}:${number}/metrics`;
}

function portOf(controlUrl: string): string {
  const [first = ''] = controlUrl.split(',');
  return (URL.canParse(first) && new URL(first).port) || '10001';
}

/** DER_UNREACH when nobody answers, DER_PROTO for what is not metrics. */
export async function fetchMetrics(
  url: string,
  certificates: string | undefined,
): Promise<MetricFamily[]> {
  const own = certificates === undefined ? undefined : readCertificates(certificates, 'admin');
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { accept: 'application/openmetrics-text, text/plain' };
  const answer = await sendHttp(url, { method: 'GET', headers, signal }, own).catch(
    (error: unknown) => {
      const { message } = error as Error;
      throw new DaosError('DER_UNREACH', `nothing tells metrics at ${url}: ${message}`, {
        action: "name a host that runs a server: 'dmg system query --verbose' lists them",
        cause: error,
      });
    },
  );
  if (answer.status === 200) return parseMetrics(answer.text);
  const code = answer.status === 401 || answer.status === 403 ? 'DER_NO_PERM' : 'DER_PROTO';
  throw new DaosError(code, `${url} answered ${answer.status} instead of metrics`);
}

/** All, or those of these names. DER_NONEXIST suggests the nearest one. */
export function chosenFamilies(
  families: readonly MetricFamily[],
  names: string | undefined,
  url: string,
): readonly MetricFamily[] {
  if (names === undefined) return families;
  return names.split(',').map((text) => {
    const name = text.trim();
    const found = families.find((family) => family.name === name);
    if (found) return found;
    const near = nearestOf(name, families.map((family) => family.name));
    const hint = near === undefined ? "see 'metrics list'" : `did you mean '${near}'?`;
    throw new DaosError('DER_NONEXIST', `${url} has no metric '${name}': ${hint}`);
  });
}
