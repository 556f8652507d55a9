// The command line of administrators.

import { Cli, type CliWorld } from './cli.js';
import { addCompletion } from './commands/completion.js';
import { addConsole } from './commands/console.js';
import { addPoolManagement } from './commands/pool.js';
import { addServer } from './commands/server.js';
import { addStorage } from './commands/storage.js';
import { addSystem } from './commands/system.js';
import { CLI_VERSION } from './version.js';

export function makeDmg(world: CliWorld): Cli {
  const cli = new Cli(
    { name: 'dmg', description: 'Manages a DAOS system', version: CLI_VERSION, role: 'admin' },
    world,
  );
  addPoolManagement(cli);
  addStorage(cli);
  addServer(cli);
  addSystem(cli);
  addConsole(cli);
  addCompletion(cli);
  return cli;
}
