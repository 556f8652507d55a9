// The command line of administrators.

import { Cli, type CliWorld } from './cli.js';
import { addCompletion } from './commands/completion.js';
import { addConfig } from './commands/config.js';
import { addContainerManagement } from './commands/container.js';
import { addConsole } from './commands/console.js';
import { addNetwork } from './commands/network.js';
import { addPoolManagement } from './commands/pool.js';
import { addServer } from './commands/server.js';
import { addStorage } from './commands/storage.js';
import { addSystem } from './commands/system.js';
import { addTelemetry } from './commands/telemetry.js';
import { addServersVersion } from './commands/version.js';
import { CLI_VERSION } from './version.js';

export function makeDmg(world: CliWorld): Cli {
  const cli = new Cli(
    { name: 'dmg', description: 'Manages a DAOS system', version: CLI_VERSION, role: 'admin' },
    world,
  );
  addPoolManagement(cli);
  addContainerManagement(cli);
  addStorage(cli);
  addNetwork(cli);
  addServer(cli);
  addSystem(cli);
  addTelemetry(cli);
  addConsole(cli);
  addConfig(cli);
  addServersVersion(cli);
  addCompletion(cli);
  cli.addVersion();
  return cli;
}
