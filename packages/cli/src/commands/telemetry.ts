// `dmg telemetry metrics`: list, query.

import type { Cli, CommandContext, Output } from '../cli.js';
import { formatTable } from '../table.js';

export function addTelemetry(cli: Cli): void {
  const metrics = cli.program
    .command('telemetry')
    .alias('telem')
    .description('shows what the system counts')
    .command('metrics')
    .description('works on metrics');
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
