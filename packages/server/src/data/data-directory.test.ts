import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { DataDirectory, readRun } from './data-directory.js';

const scratch = mkdtempSync(join(tmpdir(), 'daos-data-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let count = 0;
const newPath = () => join(scratch, String(count++));

const refusal = (code: string, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) });

describe('server/data-directory', () => {
  test('a new directory is formatted and keeps its system', () => {
    const path = newPath();
    const first = DataDirectory.open(path, 'sys');
    const { systemUuid } = first;
    first[Symbol.dispose]();
    const second = DataDirectory.open(path, 'sys');
    expect(second.systemUuid).toBe(systemUuid);
    second[Symbol.dispose]();
  });

  test('a directory in use is refused, naming the process, and free again afterwards', () => {
    const path = newPath();
    const holder = DataDirectory.open(path, 'sys');
    expect(() => DataDirectory.open(path, 'sys')).toThrow(refusal('DER_BUSY', String(process.pid)));
    holder[Symbol.dispose]();
    DataDirectory.open(path, 'sys')[Symbol.dispose]();
  });

  test('the lock of a killed process is gone with it', async () => {
    const path = newPath();
    mkdirSync(path);
    const lock = join(path, 'server.lock');
    const holder = spawn('flock', ['--no-fork', lock, 'sleep', '60']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(() => DataDirectory.open(path, 'sys')).toThrow(refusal('DER_BUSY', path));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    DataDirectory.open(path, 'sys')[Symbol.dispose]();
  });

  test('another format version, another system and foreign contents are refused untouched', () => {
    const path = newPath();
    DataDirectory.open(path, 'sys')[Symbol.dispose]();
    expect(() => DataDirectory.open(path, 'other')).toThrow(refusal('DER_MISMATCH', "'sys'"));
    const file = join(path, 'format.json');
    const newer = readFileSync(file, 'utf8').replace('"version":1', '"version":7');
    writeFileSync(file, newer);
    expect(() => DataDirectory.open(path, 'sys')).toThrow(refusal('DER_DF_INCOMPT', 'version 7'));
    expect(readFileSync(file, 'utf8')).toBe(newer);
    writeFileSync(file, '{');
    expect(() => DataDirectory.open(path, 'sys')).toThrow(refusal('DER_DF_INVAL', 'damaged'));
    const foreign = newPath();
    mkdirSync(join(foreign, 'control'), { recursive: true });
    expect(() => DataDirectory.open(foreign, 'sys')).toThrow(
      refusal('DER_MISMATCH', 'format.json'),
    );
  });

  test('pools without the control metadata that knows them are refused', () => {
    using data = DataDirectory.open(newPath(), 'sys');
    const pools = join(data.enginePath(0), 'pools');
    mkdirSync(pools, { recursive: true });
    data.checkControlKept();
    mkdirSync(join(pools, 'some-pool'));
    expect(() => data.checkControlKept()).toThrow(refusal('DER_DF_INVAL', pools));
    mkdirSync(data.controlPath);
    writeFileSync(join(data.controlPath, 'data.mdb'), '');
    expect(() => data.checkControlKept()).toThrow(refusal('DER_DF_INVAL', pools));
    writeFileSync(join(data.controlPath, 'data.mdb'), 'some');
    data.checkControlKept();
  });

  test('a place where no directory can be made is refused, and its parents are made', () => {
    const file = newPath();
    writeFileSync(file, '');
    for (const path of [file, join(file, 'below'), '/proc/no-such/place']) {
      expect(() => DataDirectory.open(path, 'sys')).toThrow(refusal('DER_IO', path));
    }
    DataDirectory.open(join(newPath(), 'deep/down'), 'sys')[Symbol.dispose]();
  });

  test('a running server is found by its directory', () => {
    const path = newPath();
    const data = DataDirectory.open(path, 'sys');
    expect(readRun(path)).toBeUndefined();
    data.publishRun({ pid: process.pid, url: 'http://127.0.0.1:1', startedMs: 1, engines: [] });
    expect(readRun(path)?.url).toBe('http://127.0.0.1:1');
    data[Symbol.dispose]();
    expect(readRun(path)).toBeUndefined();
  });
});
