#!/usr/bin/env node
// daos-agent: the command line of a client host's agent. docs/agent.md explains it.

import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readCertificates } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';
import { Command } from 'commander';
import { Agent } from './agent.js';
import { AGENT_VERSION } from './version.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

interface StartOptions {
  readonly control: string;
  readonly certs: string;
  readonly socket: string;
}

const program = new Command('daos-agent')
  .description('Says to the control service of DAOS who the users of this host are')
  .version(AGENT_VERSION)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE));

program
  .command('start')
  .description('runs until it gets SIGTERM or SIGINT')
  .requiredOption('--control <urls>', 'control hosts, with commas between them')
  .option('--certs <directory>', 'with ca.crt, agent.crt and agent.key', '/etc/daos/certs')
  .option('--socket <path>', 'where programs reach it', '/run/daos/agent.sock')
  .action(async ({ control, certs, socket }: StartOptions) => {
    const socketPath = resolve(socket);
    mkdirSync(dirname(socketPath), { recursive: true, mode: 0o755 });
    const certificates = readCertificates(certs, 'agent');
    const urls = control.split(',');
    const agent = await Agent.start({ socketPath, urls, certificates });
    process.stderr.write(`daos-agent: serves at ${socketPath}\n`);
    await new Promise<void>((done) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => done());
    });
    await agent.close();
  });

try {
  await program.parseAsync();
} catch (error) {
  const known = DaosError.is(error) ? `${error.code}: ${error.message}` : String(error);
  process.stderr.write(`daos-agent: ${known}\n`);
  if (DaosError.is(error)) process.stderr.write(`daos-agent: what to do: ${error.action}\n`);
  process.exitCode = DaosError.is(error, 'DER_INVAL') ? EXIT_USAGE : EXIT_FAILED;
}
