// `dmg telemetry`: metrics list, metrics query, config.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';
import { chosenFamilies, fetchMetrics, metricsUrl } from '../metrics-endpoint.js';
import type { MetricFamily } from '../openmetrics.js';
import { formatTable } from '../table.js';

const HOST = [
  '-l, --host <host>',
  'of this host, as HOST[:PORT], or of any address that tells metrics; of the system when left out',
] as const;
const PORT = [
  '-p, --port <number>',
  'of that host; that of the control service when left out',
] as const;
const NAMES = [
  '-m, --metrics <names>',
  'these, with commas between them; all when left out',
] as const;

interface MetricsOptions {
  host?: string;
  port?: string;
  metrics?: string;
}

export function addTelemetry(cli: Cli): void {
  const telemetry = cli.program
    .command('telemetry')
    .alias('telem')
    .description('shows what the system counts');
  telemetry
    .command('config')
    .description('prints the configuration by which Prometheus reads the metrics of the system')
    .option('-i, --install-dir <directory>', 'writes it there, as prometheus.yml')
    .option('-f, --force', 'over a file that is there')
    .action(cli.action(writeConfig));
  const metrics = telemetry.command('metrics').description('works on metrics');
  metrics
    .command('list')
    .description('lists the metrics that there are')
    .option(...HOST)
    .option(...PORT)
    .option(...NAMES)
    .action(cli.action(listMetrics));
  metrics
    .command('query')
    .description('shows the values of metrics')
    .option(...HOST)
    .option(...PORT)
    .option(...NAMES)
    .action(cli.action(queryMetrics));
}

async function listMetrics(context: CommandContext, options: MetricsOptions): Promise<Output> {
  const { families } = await familiesOf(context, options);
  const metrics = families.map(({ name, type, help }) => ({ name, type, help }));
  const rows = metrics.map(({ name, type, help }) => [name, type, help]);
  return { response: { metrics }, human: formatTable(['Metric', 'Type', 'Meaning'], rows) };
}

async function queryMetrics(context: CommandContext, options: MetricsOptions): Promise<Output> {
  const response = await familiesOf(context, options);
  const rows = response.families.flatMap(({ samples }) =>
    samples.map(({ name, labels, value }) => [
      name,
      Object.entries(labels)
        .map(([key, text]) => `${key}=${text}`)
        .join(' '),
      value,
    ]),
  );
  return { response, human: formatTable(['Metric', 'Labels', 'Value'], rows) };
}

/** Of one host, or of the system as the control service has gathered them. */
async function familiesOf(
  { control, certificates }: CommandContext,
  { host, port, metrics: names }: MetricsOptions,
): Promise<{ families: readonly MetricFamily[] }> {
  if (host !== undefined) {
    const url = metricsUrl(control.url, certificates !== undefined, host, port);
    const families = await fetchMetrics(url, certificates);
    return { families: chosenFamilies(families, names, url) };
  }
  if (port !== undefined) throw new DaosError('DER_INVAL', '--port goes with --host');
  const query = names === undefined ? {} : { query: { names } };
  const { families } = await control.call('getMetrics', query);
  return { families: families as readonly MetricFamily[] };
}

interface ConfigOptions {
  installDir?: string;
  force?: boolean;
}

async function writeConfig(
  { control, certificates }: CommandContext,
  { installDir, force }: ConfigOptions,
): Promise<Output> {
  const config = prometheusConfig(control.url.split(','), certificates);
  if (installDir === undefined) return { response: { config }, human: config };
  const file = join(installDir, 'prometheus.yml');
  try {
    writeFileSync(file, config, { flag: force === true ? 'w' : 'wx' });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const reason = isThere ? 'it is there already: say --force' : (error as Error).message;
    throw new DaosError(isThere ? 'DER_EXIST' : 'DER_IO', `cannot write ${file}: ${reason}`);
  }
  return { response: { config, file }, human: `wrote ${file}\n` };
}

/** Any control host has the metrics of all: the first of them is asked. */
function prometheusConfig([url = '']: readonly string[], certificates?: string): string {
  const { protocol, host } = new URL(url);
  if (host === '') throw new DaosError('DER_INVAL', `${url} is no address for Prometheus`);
  const tls =
    certificates === undefined
      ? ''
      : `    tls_config:
      ca_file: ${join(certificates, 'ca.crt')}
      cert_file: ${join(certificates, 'server.crt')}
      key_file: ${join(certificates, 'server.key')}
`;
  return `global:
  scrape_interval: 5s

scrape_configs:
  - job_name: daos
    scheme: ${protocol.replace(':', '')}
    metrics_path: /metrics
${tls}    static_configs:
      - targets: ['${host}']
`;
}
