// `dmg telemetry`: metrics list, metrics query, config.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaosError } from '@daos/model';
import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';

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
    .action(cli.action(listMetrics));
  metrics
    .command('query')
    .description('shows the values of metrics')
    .option('-m, --metrics <names>', 'these, with commas between them; all when left out')
    .action(cli.action(queryMetrics));
}

async function listMetrics({ control }: CommandContext): Promise<Output> {
  const { families } = await control.call('getMetrics');
  const metrics = families.map(({ name, type, help }) => ({ name, type, help }));
  const rows = metrics.map(({ name, type, help }) => [name, type, help]);
  return { response: { metrics }, human: formatTable(['Metric', 'Type', 'Meaning'], rows) };
}

async function queryMetrics(
  { control }: CommandContext,
  { metrics: names }: { metrics?: string },
): Promise<Output> {
  const query = names === undefined ? {} : { query: { names } };
  const response = await control.call('getMetrics', query);
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
