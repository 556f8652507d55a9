// The command line of users.

import { Cli, type CliWorld } from './cli.js';
import { addAutotest } from './commands/autotest.js';
import { addCompletion } from './commands/completion.js';
import { addContainer } from './commands/container.js';
import { addHealth } from './commands/health.js';
import { addObject } from './commands/object.js';
import { addPoolQueries } from './commands/pool.js';
import { addSystemQuery } from './commands/system.js';
import { addServiceVersion } from './commands/version.js';
import { CLI_VERSION } from './version.js';

export function makeDaos(world: CliWorld): Cli {
  const cli = new Cli(
    {
      name: 'daos',
      description: 'Works on containers and objects of DAOS',
      version: CLI_VERSION,
      role: 'client',
    },
    world,
  );
  addAutotest(cli, addPoolQueries(cli));
  addContainer(cli);
  addObject(cli);
  addSystemQuery(cli);
  addHealth(cli);
  addServiceVersion(cli);
  addCompletion(cli);
  cli.addVersion();
  return cli;
}
