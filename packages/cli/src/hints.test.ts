// Goal:   what a command line says to do next fits what went wrong, not only its kind.
// Method: a real server with a real engine; what people see of refused commands.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ControlClient } from '@daos/control/client';
import { KEY_SIZE_MAX } from '@daos/model';
import type { Cli, CliWorld } from './cli.js';
import { makeDaos } from './daos.js';
import { makeDmg } from './dmg.js';
import { EXIT_CODES } from './exit-codes.js';
import { TestSystem } from './system-fixture.js';

const MIB = 2 ** 20;
let system: TestSystem;
let control: ControlClient;

beforeAll(async () => {
  system = await TestSystem.start();
  control = system.admin();
  await control.call('createPool', { body: { label: 'p', size: 256 * MIB } });
  await control.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
});

afterAll(() => system.stop());

type Make = (world: CliWorld) => Cli;
type Case = [make: Make, parameters: string, exit: keyof typeof EXIT_CODES, hint: RegExp];

const CASES: Case[] = [
  [makeDmg, 'pool create p --size 128MiB', 'exists', /choose another label, or use the pool/],
  [makeDmg, 'pool create q --size 100TiB', 'noSpace', /ask for less.*storage query usage/],
  [makeDmg, 'pool resize p --size 100TiB', 'noSpace', /smaller size.*storage query usage/],
  [makeDmg, 'pool destroy p', 'busy', /destroy the pool with --recursive/],
  [makeDaos, 'container create p c', 'exists', /another label, or use the container/],
  [makeDaos, 'container query p none', 'notFound', /check the name/],
  [makeDaos, 'container create-snap p c --snap monday', 'exists', /choose another name/],
  [makeDaos, 'container rollback p c --snap monday', 'busy', /destroy the snapshot first/],
  [makeDaos, `object put p c new ${'k'.repeat(KEY_SIZE_MAX + 1)} FILE`, 'usage', /shorter key/],
  [makeDaos, 'object put p c new k FILE --oclass EC_4P2', 'usage', /class that exists/],
];

const wordsOf = (parameters: string): string[] =>
  parameters.split(' ').map((word) => (word === 'FILE' ? import.meta.filename : word));

describe('cli/hints', () => {
  test('a wrong value is told by its name, and not by its place in a request', async () => {
    const wrong = ['container', 'create', 'p', 'd', '--chunk-size', '1'];
    const { status, errors } = await system.run(makeDaos, wrong);
    expect(status).toBe(EXIT_CODES.usage);
    expect(errors).toMatch(/^daos: DER_INVAL: properties\.chunk_size: /);
  });

  test('each says what to do next, and exits with a code of its own', async () => {
    for (const name of ['monday', 'tuesday']) {
      await system.run(makeDaos, ['container', 'create-snap', 'p', 'c', '--snap', name]);
    }
    for (const [make, parameters, exit, hint] of CASES) {
      const { status, errors } = await system.run(make, wordsOf(parameters));
      const [, action] = errors.split(/what to do: /);
      expect({ parameters: parameters.slice(0, 60), status, action }).toEqual({
        ...{ parameters: parameters.slice(0, 60), status: EXIT_CODES[exit] },
        action: expect.stringMatching(hint),
      });
    }
  });
});
