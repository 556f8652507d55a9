// Goal:   an engine that dies while files are stored costs time and nothing else: the client finds
//         it again at its new address, and what was acknowledged before is there.
// Method: the quick start's storing process at work, kill -9 of the engine in the middle, then its
//         reading process.

import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { ControlClient } from '@daos/control/client';
import type { PhaseMessage, PhaseOptions, PhaseResult } from './phase.js';
import {
  awaitEngine,
  killEngine,
  QuickstartDirectory,
  startServer,
  stopServer,
} from './server-process.js';

const DIST = join(import.meta.dirname, '../../dist');
const FILE_COUNT = 4000;
const scratch = mkdtempSync(join(tmpdir(), 'daos-kill-'));
const home = new QuickstartDirectory(join(scratch, 'home'));
const tree = join(scratch, 'tree');

afterAll(async () => {
  await stopServer(home);
  rmSync(scratch, { recursive: true });
});

function runPhase(
  program: string,
  options: PhaseOptions,
  onProgress: (fileCount: number) => void,
): Promise<PhaseResult> {
  return new Promise((resolve, reject) => {
    const child = fork(join(DIST, program), [JSON.stringify(options)]);
    child.on('message', (message: PhaseMessage) => {
      if (message.type === 'progress') onProgress(message.fileCount);
      else if (message.type === 'done') resolve(message.result);
      else reject(new Error(message.message));
    });
    child.on('exit', (status) => reject(new Error(`${program} ended with ${status}`)));
  });
}

test('cli/quickstart/kill: an engine killed while files are stored loses none', async () => {
  mkdirSync(tree);
  for (let i = 0; i < FILE_COUNT; i++) writeFileSync(join(tree, `${i}`), `${i} `.repeat(i % 1500));
  const { url } = await startServer(home, 0);
  const control = new ControlClient({ url });
  await control.call('createPool', { body: { label: 'p', size: 512 * 2 ** 20 } });
  await control.call('createContainer', { params: { pool: 'p' }, body: { label: 'c' } });
  const options = {
    controlUrl: url,
    pool: 'p',
    container: 'c',
    directory: Buffer.from(tree).toString('base64'),
    manifest: join(scratch, 'manifest'),
  };
  let killing: Promise<number> | undefined;
  const stored = await runPhase('quickstart-store-main.js', options, () => {
    killing ??= killEngine(home);
  });
  expect(stored.fileCount).toBe(FILE_COUNT);
  const killedPid = await killing;
  expect(killedPid).toBeGreaterThan(0);
  expect(await awaitEngine(home, killedPid ?? 0)).not.toBe(killedPid);
  const read = await runPhase('quickstart-verify-main.js', options, () => {});
  expect(read).toMatchObject({ fileCount: FILE_COUNT, mismatches: [] });
});
