#!/usr/bin/env node
// daos-server: the command line of a storage host. docs/server.md lists its exit codes.

import { resolve } from 'node:path';
import { Command } from 'commander';
import { checkAccess } from '@daos/control/listen';
import { readCertificates } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';
import { generateCertificates } from './certificates/generate-certificates.js';
import { generateConfig, inspectMachine } from './config/generate-config.js';
import { loadConfig } from './config/load-config.js';
import { serverConfigSchema } from './config/server-config.js';
import { LineLog } from './log.js';
import { DaosServer } from './server.js';
import { SERVER_VERSION } from './version.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const CONFIG_DEFAULT = '/etc/daos/daos_server.yml';

const program = new Command('daos-server')
  .description('Runs the engines and the control service of a DAOS storage host')
  .version(SERVER_VERSION)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE));

program
  .command('start')
  .description('runs until it gets SIGTERM or SIGINT')
  .option('-c, --config <file>', 'configuration file', CONFIG_DEFAULT)
  .option('--auto-format', 'formats blank devices of engines without being asked for')
  .action(async ({ config: file, autoFormat }: { config: string; autoFormat?: boolean }) => {
    const startedMs = performance.now();
    const config = loadConfig(resolve(file), serverConfigSchema);
    const log = new LineLog(config.log.level);
    const server = await DaosServer.start({
      ...{ config, log },
      isFormattingBlank: autoFormat === true,
    });
    const tookMs = Math.round(performance.now() - startedMs);
    log.info(`system '${config.name}' serves at ${server.url}`, { pid: process.pid, tookMs });
    const signal = await nextSignal();
    log.info(`stopping on ${signal}`);
    await server.stop();
  });

const config = program.command('config').description('works on configuration files');

config
  .command('generate')
  .description('inspects this machine and prints a configuration that starts on it')
  .option('-d, --data-directory <path>', 'where the data will lie', '/var/lib/daos')
  .option('-p, --port <number>', 'port of the control service', '10001')
  .option('--devices <list>', 'disks for the pools, as nvme0n1,nvme1n1, or all that are unused')
  .action((options: { dataDirectory: string; port: string; devices?: string }) => {
    const { dataDirectory, port, devices } = options;
    const text = generateConfig(inspectMachine(), {
      dataDirectory: resolve(dataDirectory),
      port: Number(port),
      devices,
    });
    process.stdout.write(text);
  });

config
  .command('check')
  .description('says whether a configuration file is right')
  .option('-c, --config <file>', 'configuration file', CONFIG_DEFAULT)
  .action(({ config: file }: { config: string }) => {
    const { control } = loadConfig(resolve(file), serverConfigSchema);
    const { address, insecure, certificates: folder } = control;
    const certificates = folder === undefined ? undefined : readCertificates(folder, 'server');
    checkAccess({ address, port: control.port, insecure, certificates });
    process.stdout.write(`${file} is right\n`);
  });

program
  .command('cert')
  .description('works on the certificates of the control plane')
  .command('generate')
  .description('makes an authority, and a certificate for each role')
  .option('-d, --directory <path>', 'where they go', '/etc/daos/certs')
  .option('--hosts <list>', 'names and addresses of servers, besides this host and loopback', '')
  .option('--days <count>', 'how long they hold', '1095')
  .action((options: { directory: string; hosts: string; days: string }) => {
    const files = generateCertificates({
      directory: resolve(options.directory),
      hosts: options.hosts.split(',').filter((host) => host !== ''),
      days: Number(options.days),
    });
    process.stdout.write(`${files.join('\n')}\n`);
  });

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  const known = DaosError.is(error) ? `${error.code}: ${error.message}` : String(error);
  process.stderr.write(`daos-server: ${known}\n`);
  if (DaosError.is(error)) process.stderr.write(`daos-server: what to do: ${error.action}\n`);
  process.exitCode = DaosError.is(error, 'DER_INVAL') ? EXIT_USAGE : EXIT_FAILED;
}
