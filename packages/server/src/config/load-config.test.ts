import { describe, expect, test } from '@jest/globals';
import { generateConfig, inspectMachine, parseCoreList, type Machine } from './generate-config.js';
import { loadConfig, parseConfig } from './load-config.js';
import { enginesOf, serverConfigSchema } from './server-config.js';

const parse = (text: string) => parseConfig('daos.yml', text, serverConfigSchema);

function mistakesOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    expect(error).toMatchObject({ code: 'DER_INVAL' });
    return (error as Error).message.split('\n');
  }
  throw new Error('the configuration was accepted');
}

const GOOD = `
data_directory: /srv/daos
control:
  insecure: true
engines:
  - targets: 2
    storage:
      capacity: 8GiB
`;

describe('server/config', () => {
  test('what is left out gets its default', () => {
    const config = parse(GOOD);
    expect(config.control).toEqual({
      ...{ address: '127.0.0.1', port: 10_001, insecure: true, capability_life: 604_800 },
    });
    expect(config.engines[0]).toMatchObject({
      targets: 2,
      transports: ['shm', 'tcp'],
      storage: {
        ...{ capacity: 8 * 2 ** 30, arena: 'log', history: 300 },
        prewrite: { enabled: false, idle: 256 * 2 ** 20, busy: 16 * 2 ** 20 },
        log: { checkpoint: 25, slow: 50, stop: 75, absorb: 16 * 1024 },
        discard: true,
      },
    });
    expect(enginesOf(config)[0]?.rank).toBe(0);
  });

  test('a misspelt key is named with its line and the key that was meant', () => {
    expect(mistakesOf(GOOD.replace('targets', 'tragets'))).toEqual([
      "daos.yml:6: unknown key 'tragets': did you mean 'targets'?",
    ]);
    expect(mistakesOf(GOOD.replace('capacity', 'capacitiy'))).toEqual([
      "daos.yml:8: unknown key 'capacitiy': did you mean 'capacity'?",
    ]);
    expect(mistakesOf(`datadirectory: /x\n${GOOD}`)).toEqual([
      "daos.yml:1: unknown key 'datadirectory': did you mean 'data_directory'?",
    ]);
  });

  test('a key like no other gets the list of known ones', () => {
    expect(mistakesOf(`${GOOD}zzzzzz: 1\n`)[0]).toMatch(
      /^daos.yml:9: unknown key 'zzzzzz': known keys are name, data_directory/,
    );
  });

  test('every mistake has a line of its own', () => {
    const mistakes = mistakesOf('data_directory: here\nengines:\n  - targets: 0\n    adress: x\n');
    expect(mistakes).toHaveLength(3);
    expect(mistakes.join('\n')).toMatch(/daos.yml:1: data_directory: must be an absolute path/);
    expect(mistakes.join('\n')).toMatch(/daos.yml:3: engines\[0\].targets: /);
    expect(mistakes.join('\n')).toMatch(/daos.yml:4: unknown key 'adress': did you mean 'address'/);
  });

  test('the thresholds of a log rise', () => {
    const withLog = (log: string) => GOOD.replace('capacity: 8GiB', `log: ${log}`);
    expect(parse(withLog('{ checkpoint: 10 }')).engines[0]?.storage.log.checkpoint).toBe(10);
    expect(mistakesOf(withLog('{ absorb: 128KiB }'))).toEqual([
      expect.stringMatching(/absorb.*must be 64KiB at most/),
    ]);
    for (const log of ['{ checkpoint: 60 }', '{ slow: 80 }', '{ stop: 50 }']) {
      expect(mistakesOf(withLog(log)).join()).toContain('have to rise in this order');
    }
    expect(mistakesOf(withLog('{ stop: 100 }'))).toHaveLength(1);
  });

  test('devices have roles, each role a device, and a device one engine', () => {
    const withDevices = (devices: string) => GOOD.replace('capacity: 8GiB', `devices: ${devices}`);
    const storage = (text: string) => parse(withDevices(text)).engines[0]?.storage;
    expect(storage('[{ path: /dev/sdx }]')?.devices).toEqual([
      { path: '/dev/sdx', roles: ['wal', 'meta', 'data'] },
    ]);
    const two = '{ path: /dev/sdx, roles: [meta, wal] }, { path: /dev/sdy, roles: [data] }';
    expect(storage(`[${two}]`)?.devices?.[0]?.roles).toEqual(['wal', 'meta']);
    const mistakes: [string, string][] = [
      ['[{ path: /dev/sdx, roles: [wal, meta] }]', 'no device has the role data'],
      ['[{ path: /dev/sdx }, { path: /dev/sdy }]', 'of several devices each has its roles'],
      [`[${two}, { path: /dev/sdy, roles: [data] }]`, '/dev/sdy is named twice'],
      ['[{ path: sdx }]', 'must be an absolute path, or spdk:NAME'],
      ['[{ path: "spdk:nvme0n1" }]', "spdk:nvme0n1 needs 'spdk' beside 'devices'"],
      ['[{ path: /dev/sdx }]\n      capacity: 1GiB', "leave 'capacity' out"],
      ['[{ path: /dev/sdx }]\n      arena: pmem', "leave 'devices' out"],
      [`[{ path: /dev/sdx, roles: [wal, data] }, ${two}]`, 'roles are one of'],
      [
        '[{ path: /dev/sdx }]\n  - storage: { devices: [{ path: /dev/sdx }] }',
        'belongs to engines',
      ],
    ];
    for (const [text, mistake] of mistakes) {
      expect(mistakesOf(withDevices(text)).join('\n')).toContain(mistake);
    }
  });

  test('a missing key, a wrong size and broken YAML say where', () => {
    expect(mistakesOf('engines:\n  - targets: 1\n')).toEqual([
      'daos.yml:1: data_directory: is missing',
    ]);
    expect(mistakesOf(GOOD.replace('8GiB', '8 apples'))[0]).toMatch(/^daos.yml:8: .*not a size/);
    expect(mistakesOf('a: [1, 2\nb: 3')[0]).toMatch(/^daos.yml:\d: /);
    expect(mistakesOf('')[0]).toMatch(/is missing|expected/);
  });

  test('a file that cannot be read is named', () => {
    expect(() => loadConfig('/nowhere/daos.yml', serverConfigSchema)).toThrow(
      /\/nowhere\/daos.yml/,
    );
  });

  test('what keys get wrong together has its line, too', () => {
    const engines = (...lines: string[]) =>
      mistakesOf(`data_directory: /x\nengines:\n${lines.map((l) => `  - { ${l} }\n`).join('')}`);
    expect(engines('rank: 1', 'targets: 1')).toEqual([
      'daos.yml:4: engines[1].rank: two engines have rank 1',
    ]);
    expect(engines('targets: 2, pin_cores: [0]')).toEqual([
      'daos.yml:3: engines[0].pin_cores: names 1 cores for 2 targets',
    ]);
    expect(engines('targets: 2, port: 31416', 'port: 31417')).toEqual([
      'daos.yml:4: engines[1].port: 127.0.0.1:31417 belongs to engines[0] already',
    ]);
    expect(engines('port: 10001')).toEqual([
      'daos.yml:3: engines[0].port: 127.0.0.1:10001 belongs to the control service already',
    ]);
    expect(engines('targets: 2, port: 65535')).toEqual([
      'daos.yml:3: engines[0].port: 2 targets from 65535 on go beyond port 65535',
    ]);
    expect(engines('address: localhost')).toEqual([
      'daos.yml:3: engines[0].address: must be a numeric address, as 192.168.1.5',
    ]);
  });
});

describe('server/generate-config', () => {
  const twoNodes: Machine = {
    coreCount: 8,
    numaNodes: [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ],
    memoryBytes: 64 * 2 ** 30,
    freeMemoryBytes: 32 * 2 ** 30,
    hugePageCount: 512,
    interfaces: [{ name: 'lo', address: '127.0.0.1' }],
    rdmaDevices: ['mlx5_0'],
    blockDevices: [{ name: 'nvme0n1', sizeBytes: 10 ** 12 }],
  };

  test('a machine gets an engine per NUMA node, pinned, with what its network can do', () => {
    const config = parse(generateConfig(twoNodes, { dataDirectory: '/srv/daos', port: 10_001 }));
    expect(config.engines).toMatchObject([
      { rank: 0, targets: 3, pin_cores: [0, 1, 2], transports: ['shm', 'verbs', 'tcp'] },
      {
        ...{ rank: 1, targets: 3, pin_cores: [4, 5, 6] },
        storage: { memory: 16 * 2 ** 30, prewrite: { enabled: true } },
      },
    ]);
  });

  test('this machine gets a configuration that is right', () => {
    const text = generateConfig(inspectMachine(), { dataDirectory: '/srv/daos', port: 10_001 });
    expect(parse(text).engines.length).toBeGreaterThan(0);
  });

  test('lists of cores come apart', () => {
    expect(parseCoreList('0-2,5,7-8')).toEqual([0, 1, 2, 5, 7, 8]);
    expect(parseCoreList('')).toEqual([]);
  });
});
