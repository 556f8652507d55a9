// Goal:   a command that is used in a wrong way says which words are wrong and what it takes.
// Method: wrong command lines of the real programs; none of them reaches a service.
import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import type { Cli, CliWorld } from './cli.js';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';
import { EXIT_CODES } from './exit-codes.js';

type Make = (world: CliWorld) => Cli;

const POOL_RESIZE = [
  'usage: dmg pool resize [options] <pool>',
  'options with a value: -z, --size <size>; -n, --nvme-size <size>',
  '',
];

/** What people are told, line by line. */
async function refuse(make: Make, words: readonly string[]): Promise<string[]> {
  let errors = '';
  const write = () => expect('output').toBe('none');
  const cli = make({ environment: {}, write, writeError: (text) => void (errors += text) });
  expect(await cli.run(words)).toBe(EXIT_CODES.usage);
  return errors.split('\n');
}

test('cli/guided-command: words that are too many are named, with what is taken', async () => {
  expect(await refuse(makeDmg, ['pool', 'resize', 'tank', '3GiB'])).toEqual([
    "error: 'pool resize' takes <pool>: '3GiB' is one too many",
    ...POOL_RESIZE,
  ]);
  expect((await refuse(makeDaos, ['cont', 'query', 'tank', 'c', 'd', 'e']))[0]).toBe(
    "error: 'container query' takes <pool> <container>: 'd', 'e' are too many",
  );
  expect((await refuse(makeDmg, ['system', 'leader-query', 'x']))[0]).toBe(
    "error: 'system leader-query' takes no words of its own: 'x' is one too many",
  );
});

test('cli/guided-command: what is missing or unknown is told with the usage', async () => {
  const cases: [string, string][] = [
    ['pool resize', "error: missing required argument 'pool'"],
    ['pool resize tank --size', "error: option '-z, --size <size>' argument missing"],
    ['pool resize tank --sise 3', "error: unknown option '--sise'\n(Did you mean --size?)"],
  ];
  for (const [words, error] of cases) {
    const told = await refuse(makeDmg, words.split(' '));
    expect(told).toEqual([...error.split('\n'), ...POOL_RESIZE]);
  }
});

const leavesOf = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);

function wordsOf(leaf: Command): string[] {
  const words: string[] = [];
  for (let at: Command | null = leaf; at?.parent; at = at.parent) words.unshift(at.name());
  return words;
}

test.each([
  ['dmg', makeDmg],
  ['daos', makeDaos],
])('cli/guided-command: every command of %s refuses an unknown option', async (name, make) => {
  const silent = { environment: {}, write: () => undefined, writeError: () => undefined };
  const leaves = leavesOf(make(silent).program);
  expect(leaves.length).toBeGreaterThan(20);
  for (const leaf of leaves) {
    const words = wordsOf(leaf);
    const told = await refuse(make, [...words, '--no-such-option']);
    const isWhole = leaf.options.every(({ mandatory }) => !mandatory);
    const what = isWhole ? /unknown option '--no-such-option'/ : /required option '.+' not spec/;
    expect(told[0]).toMatch(what);
    expect(told[1]).toBe(`usage: ${[name, ...words, leaf.usage()].join(' ')}`.trimEnd());
  }
});

test.each([
  ['dmg', makeDmg],
  ['daos', makeDaos],
])('cli/guided-command: no option of a command of %s is one of the program', (_, make) => {
  const silent = { environment: {}, write: () => undefined, writeError: () => undefined };
  const { program } = make(silent);
  const flagsOf = ({ options }: Command) => options.flatMap(({ short, long }) => [short, long]);
  const general = flagsOf(program).filter((flag) => flag !== undefined);
  expect(general).toContain('--version');
  for (const leaf of leavesOf(program)) {
    const shared = flagsOf(leaf).filter((flag) => general.includes(flag ?? ''));
    expect({ command: wordsOf(leaf), shared }).toEqual({ command: wordsOf(leaf), shared: [] });
  }
});
