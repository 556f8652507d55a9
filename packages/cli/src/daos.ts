// The command line of users.

import { Cli, type CliWorld } from './cli.js';
import { addCompletion } from './commands/completion.js';
import { addContainer } from './commands/container.js';
import { addObject } from './commands/object.js';
import { addPoolQueries } from './commands/pool.js';
import { addSystemQuery } from './commands/system.js';
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
  addPoolQueries(cli);
  addContainer(cli);
  addObject(cli);
  addSystemQuery(cli);
  addCompletion(cli);
  cli.addVersion();
  return cli;
}
