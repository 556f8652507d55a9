// Goal:   whatever a system is given that it can't do gets a clear error, and nothing is lost.
// Method: a real server with a real engine, used over the real client. What a server refuses at its
//         start (a directory in use, another format, a taken port, a misspelt key, a pool that does
//         not fit) is tried in server/src/daos-server.test.ts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, textOf, type Container, type DaosObject, type Pool } from '@daos/client';
import { ControlClient } from '@daos/control/client';
import { DaosError, makeObjectId, SINGLE_VALUE_SIZE_MAX } from '@daos/model';
import { RpcEndpoint } from '@daos/rpc';
import * as z from 'zod';
import { makeDaos } from './daos.js';
import {
  awaitEngine,
  killEngine,
  QuickstartDirectory,
  startServer,
  stopServer,
} from './quickstart/server-process.js';

const MIB = 2 ** 20;
const scratch = mkdtempSync(join(tmpdir(), 'daos-bad-input-'));
const home = new QuickstartDirectory(join(scratch, 'home'));
let control: ControlClient;
let url: string;
let client: Client;
let pool: Pool;
let container: Container;
let userNext = 1n;

const newObject = (): DaosObject =>
  container.object(makeObjectId({ user: userNext++, type: 'MULTI_LEXICAL', objectClass: 'SX' }));

async function openPool(label: string, sizes: object): Promise<[Pool, Container]> {
  await control.call('createPool', { body: { label, ...sizes } as never });
  await control.call('createContainer', { params: { pool: label }, body: { label: 'c' } });
  const opened = await client.openPool(label);
  return [opened, await opened.openContainer('c')];
}

beforeAll(async () => {
  ({ url } = await startServer(home, 0));
  control = new ControlClient({ url });
  client = await Client.connect({ control: url, transports: ['tcp'] });
  [pool, container] = await openPool('p', { size: 512 * MIB });
});

afterAll(async () => {
  await client.close();
  await stopServer(home);
  rmSync(scratch, { recursive: true });
});

describe('cli/bad-input', () => {
  test('keys and values that are empty or over their limit are refused by name', async () => {
    const object = newObject();
    await object.update('k', 'a', 'before');
    const refused: [() => Promise<unknown>, string, RegExp][] = [
      [() => object.update('', 'a', 'v'), 'DER_INVAL', /key is empty/],
      [() => object.update('k', '', 'v'), 'DER_INVAL', /key is empty/],
      [() => object.update('k', 'a', ''), 'DER_INVAL', /value is empty/],
      [() => object.fetch('', 'a'), 'DER_INVAL', /key is empty/],
      [async () => object.update('k', 'a', 5 as unknown as string), 'DER_INVAL', /not number/],
      [() => object.update('k'.repeat(70_000), 'a', 'v'), 'DER_KEY2BIG', /70000 bytes.*65536/],
      [
        () => object.update('k', 'a', new Uint8Array(SINGLE_VALUE_SIZE_MAX + 1)),
        'DER_REC2BIG',
        /67108865.*67108864/,
      ],
      [
        () => object.updateArray('k', 'b', 0, new Uint8Array(10), { recordSize: 3 }),
        'DER_INVAL',
        /3/,
      ],
    ];
    for (const [call, code, message] of refused) {
      await expect(call()).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }
    // Of a value that is too large no buffer is the cure.
    const tooLarge = object.update('k', 'a', new Uint8Array(SINGLE_VALUE_SIZE_MAX + 1));
    await expect(tooLarge).rejects.toMatchObject({ action: expect.stringContaining('array') });
    expect(textOf(await object.fetch('k', 'a'))).toBe('before');
  });

  test('an object class that is unknown, or not served, is named', async () => {
    let errors = '';
    const daos = makeDaos({
      environment: { DAOS_CONTROL: url },
      write: () => {},
      writeError: (text) => void (errors += text),
    });
    const put = ['object', 'put', 'p', 'c', 'new', 'k', home.config, '--oclass', 'NONE1'];
    expect(await daos.run(put)).not.toBe(0);
    expect(errors).toMatch(/unknown object class 'NONE1'[^]*what to do: .*S1 to SX/);
    // An id with class bits that no table has.
    const madeUp = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'S1' });
    const unknown = container.object(madeUp | (0xffn << 112n));
    await expect(unknown.update('k', 'a', 'v')).rejects.toMatchObject({
      code: expect.stringMatching(/DER_(INVAL|NOSYS)/),
      message: expect.stringMatching(/class/),
    });
  });

  test('a property that is misspelt gets the name that was probably meant', async () => {
    const daos = makeDaos({
      environment: { DAOS_CONTROL: url },
      write: () => {},
      writeError: (text) => void (errors += text),
    });
    let errors = '';
    const create = ['cont', 'create', 'p', 'mine', '--properties', 'qouta_bytes:1GiB'];
    expect(await daos.run(create)).not.toBe(0);
    expect(errors).toContain("properties: unknown key 'qouta_bytes': did you mean 'quota_bytes'?");
    const { containers } = await control.call('listContainers', { params: { pool: 'p' } });
    expect(containers.map(({ label }) => label)).not.toContain('mine');
  });

  test('a full pool refuses writes, and all that it had stays readable', async () => {
    const [small, within] = await openPool('small', {
      arenaSizePerRank: 64 * MIB,
      dataSizePerRank: 64 * MIB,
    });
    const object = within.object(
      makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'SX' }),
    );
    const value = (i: number) => Buffer.alloc(MIB, `value ${i} `);
    let stored = 0;
    let failure: unknown;
    while (failure === undefined && stored < 1000) {
      await object.update(`key ${stored}`, 'a', value(stored)).then(
        () => (stored += 1),
        (error: unknown) => (failure = error),
      );
    }
    expect(failure).toMatchObject({ code: 'DER_NOSPACE' });
    expect(stored).toBeGreaterThan(10);
    for (let i = 0; i < stored; i++) {
      expect(value(i).compare((await object.fetch(`key ${i}`, 'a')) as Uint8Array)).toBe(0);
    }
    await within.close();
    await small.close();
  });

  test('garbage and malformed requests cost a connection, never the engine', async () => {
    const object = newObject();
    await object.update('k', 'a', 'before');
    const enginePid = home.findServer()?.engines[0]?.pid;
    const addresses = pool
      .share()
      .map.ranks.flatMap(({ targets }) => targets.flatMap((target) => target.addresses));
    const tcp = addresses.filter(({ transport }) => transport === 'tcp');
    for (const { address } of tcp) await sendGarbage(address);
    // Requests that are whole, with bodies that make no sense to the data path.
    await using endpoint = await RpcEndpoint.open({ transports: ['tcp'] });
    const any = { request: z.any(), response: z.any(), modifies: false };
    const methods = Object.fromEntries(
      [0x100, 0x101, 0x200, 0x201, 0x202, 0x203, 0x204].map((opcode) => [
        `m${opcode}`,
        { ...any, opcode },
      ]),
    );
    const intruder = await endpoint.connect({ name: 'intruder', methods }, tcp[0]!.address);
    for (const method of Object.keys(methods)) {
      for (const body of ['', 'x', 'x'.repeat(64), 'x'.repeat(5000), { a: [1, 2n ** 60n] }]) {
        await expect(intruder.call(method, body)).rejects.toMatchObject({
          code: expect.stringMatching(/DER_(PROTO|INVAL|NO_HDL|KEY2BIG|NONEXIST|NO_PERM)/),
        });
      }
    }
    expect(textOf(await object.fetch('k', 'a'))).toBe('before');
    expect(home.findServer()?.engines[0]?.pid).toBe(enginePid);
  });

  test('an engine that dies in the middle of writes loses none that was acknowledged', async () => {
    const object = newObject();
    const acknowledged = new Set<number>();
    const failures: unknown[] = [];
    let isOver = false;
    const write = async (worker: number): Promise<void> => {
      for (let i = worker; !isOver; i += 16) {
        await object.update(`key ${i}`, 'a', `value ${i}`, { timeoutMs: 10_000 }).then(
          () => acknowledged.add(i),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const writers = Array.from({ length: 16 }, (_, worker) => write(worker));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const beforeKill = acknowledged.size;
    await awaitEngine(home, await killEngine(home));
    // The client finds by itself where the engine listens now.
    const beforeRestart = acknowledged.size;
    while (acknowledged.size < beforeRestart + 100) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    isOver = true;
    await Promise.all(writers);
    expect(beforeKill).toBeGreaterThan(0);
    // A write whose answer was lost says so: it may or may not have happened.
    for (const failure of failures) {
      expect(DaosError.is(failure)).toBe(true);
      expect((failure as DaosError).code).toMatch(/DER_(UNREACH|TIMEDOUT|SHUTDOWN)/);
      expect((failure as DaosError).retryable).toBe(true);
    }
    for (const i of acknowledged) {
      expect(textOf(await object.fetch(`key ${i}`, 'a'))).toBe(`value ${i}`);
    }
    expect(readFileSync(home.log, 'utf8')).toMatch(/was killed by SIGKILL; starting it again/);
  });
});

/** Bytes of no protocol, at the start of a connection and after something like a greeting. */
async function sendGarbage(address: string): Promise<void> {
  const { hostname, port } = new URL(address.replace('tcp:', 'http:'));
  for (const bytes of [Buffer.alloc(65_536, 0xff), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.end(bytes);
    await Promise.race([
      once(socket, 'close').catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, 200)),
    ]);
    socket.destroy();
  }
}
