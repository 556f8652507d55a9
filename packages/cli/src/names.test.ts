// Goal: who knows DAOS's commands finds them by the names that they have there.
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import type { Cli, CliWorld } from './cli.js';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';
import { EXIT_CODES } from './exit-codes.js';

const world: CliWorld = { environment: {}, write: () => {}, writeError: () => {} };

const DMG = [
  'pool create|destroy|evict|list|ls|query|query-targets|get-prop|set-prop',
  'pool get-acl|overwrite-acl|update-acl|delete-acl',
  'system leader-query|query|stop|start|exclude|clear-exclude|list-pools',
  'system set-attr|get-attr|del-attr|list-attr|set-prop|get-prop',
  'config generate',
  'storage scan',
  'storage query list-devices|list-pools|usage',
  'storage set nvme-faulty',
  'storage replace nvme',
  'storage led identify',
  'network scan',
  'telemetry metrics list|query',
  'server set-logmasks|slm',
  'cont query|set-prop|set-owner',
  'sys query',
  'sto scan',
  'net scan',
  'srv slm',
  'telem metrics',
];
const DAOS = [
  'pool list|ls|query|query-targets|list-containers|list-cont|get-prop',
  'pool autotest',
  'health check',
  'pool list-attr|list-attrs|lsattr|get-attr|getattr|set-attr|setattr|del-attr|delattr',
  'container create|list|ls|destroy|list-objects|list-obj|query',
  'cont list-attr|list-attrs|lsattr|get-attr|getattr|set-attr|setattr|del-attr|delattr',
  'cont get-prop|getprop|set-prop|setprop|get-acl|overwrite-acl|replace|update-acl|delete-acl',
  'cont set-owner|chown|create-snap|snap|destroy-snap|list-snap|list-snaps',
  'object query|list-keys|dump',
  'container check',
  'obj query',
  'system query',
  'sys query',
];

function find(command: Command, path: readonly string[]): Command | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return command;
  const child = command.commands.find((c) => c.name() === name || c.aliases().includes(name));
  return child && find(child, rest);
}

const spelledOut = (line: string): string[] => {
  const at = line.lastIndexOf(' ');
  const path = line.slice(0, at);
  return line.slice(at + 1).split('|').map((name) => `${path} ${name}`);
};

describe('cli/names', () => {
  test.each<[string, (world: CliWorld) => Cli, string[]]>([
    ['dmg', makeDmg, DMG],
    ['daos', makeDaos, DAOS],
  ])('%s has the commands that DAOS has of what is there', (_name, make, lines) => {
    const { program } = make(world);
    const paths = lines.flatMap(spelledOut);
    expect(paths.filter((path) => !find(program, path.split(' ')))).toEqual([]);
  });

  test('two names of one option are not taken together', async () => {
    let errors = '';
    const cli = makeDmg({ ...world, writeError: (text) => void (errors += text) });
    const sizes = ['--scm-size', '1GB', '--meta-size', '2GB'];
    expect(await cli.run(['pool', 'create', 'p', ...sizes])).toBe(EXIT_CODES.usage);
    expect(errors).toContain('--scm-size and --meta-size mean the same');
  });
});
