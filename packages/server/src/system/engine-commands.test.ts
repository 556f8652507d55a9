// Goal:   a server does what the host that acts says, and nothing that one says that acted before.
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Supervisor } from '../engine/supervisor.js';
import { EngineCommands } from './engine-commands.js';

const RANK = 3;
const UUID = '6c2cc5b1-52cd-4ab2-8d5a-1f6c4bcd7a10';

let commands: EngineCommands;
let carriedOut: string[];

beforeEach(() => {
  carriedOut = [];
  const control = new Proxy({}, { get: (_target, name) => async () => {
    carriedOut.push(String(name));
    return {};
  } });
  const supervisor = { control } as unknown as Supervisor;
  commands = new EngineCommands(new Map([[RANK, supervisor]]), () => {});
});

const run = (method: string, term: number, rank = RANK) =>
  commands.run({ rank, method, term, parameters: { uuid: UUID } });

describe('server/engine-commands', () => {
  test('of an earlier term nothing is carried out that changes anything', async () => {
    await run('destroyPool', 7);
    await expect(run('destroyPool', 6)).rejects.toMatchObject({ code: 'DER_STALE' });
    expect(carriedOut).toEqual(['destroyPool']);
    await run('queryPool', 6);
    await run('destroyPool', 7);
    expect(carriedOut).toEqual(['destroyPool', 'queryPool', 'destroyPool']);
  });

  test('a term that a join or a renewal told of counts too', async () => {
    commands.observe(9);
    await expect(run('destroyPool', 8)).rejects.toMatchObject({ code: 'DER_STALE' });
    expect(() => commands.observe(8)).toThrow(expect.objectContaining({ code: 'DER_STALE' }));
    expect(carriedOut).toEqual([]);
  });

  test.each([
    ['of another server', 'destroyPool', RANK + 1, 'DER_UNREACH'],
    ['that engines have not', 'constructor', RANK, 'DER_INVAL'],
  ])('a command %s is refused', async (_what, method, rank, code) => {
    await expect(run(method, 1, rank)).rejects.toMatchObject({ code });
    expect(carriedOut).toEqual([]);
  });
});
