// Goal:   who waits at a terminal sees how far a command is, and nobody else does.
// Method: commands on a terminal of the test's own; what is written there is compared.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { makeDaos } from './daos.js';
import { Progress, type ProgressOptions } from './progress.js';

async function shownOf(
  options: Omit<ProgressOptions, 'write' | 'label'>,
  use: (progress: Progress, shown: () => string) => Promise<void>,
): Promise<string> {
  let text = '';
  const write = (part: string) => void (text += part);
  {
    using progress = new Progress({ write, label: 'pool destroy', ...options });
    await use(progress, () => text);
  }
  await sleep(5);
  return text;
}

const QUICK = { delayMs: 1, intervalMs: 1 };

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(1);
}

describe('cli/progress', () => {
  test('what takes long is named, with its seconds, and goes from the terminal', async () => {
    const text = await shownOf(QUICK, (_, shown) => until(() => shown().includes('0 s')));
    expect(text).toMatch(/^\r\x1b\[Kpool destroy {2}0 s/);
    expect(text.endsWith('\r\x1b[K')).toBe(true);
  });

  test('what is reported is shown: a bar where the end is known, else a count', async () => {
    const text = await shownOf(QUICK, async (progress, shown) => {
      progress.report({ count: 1, total: 4, text: '1/4 snapshots' });
      await until(() => shown().includes('snapshots'));
      progress.report({ count: 12, text: '12 objects' });
      await until(() => shown().includes('objects'));
    });
    expect(text).toContain(`pool destroy  [########${'.'.repeat(22)}]  25 %  1/4 snapshots  0 s`);
    expect(text).toContain('pool destroy  12 objects  0 s');
  });

  test('what is done at once shows nothing', async () => {
    expect(await shownOf({ delayMs: 60_000 }, async () => {})).toBe('');
  });

  test.each([[[]], [['--json']]])('with %j programs get no progress', async (flags) => {
    let errors = '';
    let shown = '';
    const cli = makeDaos({
      environment: {},
      write: () => {},
      writeError: (part) => void (errors += part),
      ...(flags.length > 0 && { writeProgress: (part: string) => void (shown += part) }),
    });
    await cli.run([...flags, '--control', 'http://127.0.0.1:1', 'pool', 'list']);
    expect([shown, errors.includes('\x1b')]).toEqual(['', false]);
  });
});
