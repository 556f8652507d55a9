// The batch protocol with a binding that completes on demand, and over the real addon.
import { describe, expect, test } from '@jest/globals';
import { loadAddon, type NativeFunction } from './index.js';
import {
  Operations,
  asBigint,
  asBytes,
  asNothing,
  asNumber,
  type BatchBinding,
} from './operations.js';

type Settle = (count: number, values?: unknown[]) => void;

/** Records submissions; `complete` reports a batch as the addon does. */
class ManualBinding implements BatchBinding {
  command = new Uint8Array();
  completions = new Uint32Array();
  settle: Settle = () => {};
  readonly slots: number[] = [];
  readonly cancelled: number[] = [];
  flushCount = 0;
  readonly submit: NativeFunction = (slot) => void this.slots.push(slot);

  attach(command: Uint8Array, completions: Uint32Array, settle: Settle): void {
    Object.assign(this, { command, completions, settle });
  }
  drain(): number {
    return 0;
  }
  cancel(slot: number): void {
    this.cancelled.push(slot);
  }
  flush(): void {
    this.flushCount += 1;
  }
  complete(
    outcomes: [slot: number, outcome: number, low: number, high: number][],
    values?: unknown[],
  ): void {
    outcomes.forEach((words, index) => this.completions.set(words, index * 4));
    this.settle(outcomes.length, values);
  }
}

describe('native/operations', () => {
  test('one call settles a batch of numbers, values and errors', async () => {
    const binding = new ManualBinding();
    const operations = new Operations(binding);
    const number = operations.run(binding.submit, 1, asNumber);
    const bigint = operations.run(binding.submit, 1, asBigint);
    const bytes = operations.run(binding.submit, 1, asBytes);
    const failed = operations.run(binding.submit, 1, asNothing);
    expect(operations.inFlightCount).toBe(4);
    binding.complete(
      [
        [0, 0, 5, 1],
        [1, 0, 0xffff_ffff, 0xffff_ffff],
        [3, 2, 1, 0],
        [2, 1, 0, 0],
      ],
      [Uint8Array.of(1, 2), { code: 'DER_BUSY', message: 'later' }],
    );
    expect(await number).toBe(2 ** 32 + 5);
    expect(await bigint).toBe(2n ** 64n - 1n);
    expect(await bytes).toEqual(Uint8Array.of(1, 2));
    await expect(failed).rejects.toMatchObject({
      name: 'DaosError',
      code: 'DER_BUSY',
      message: 'later',
      retryable: true,
    });
    expect(operations.inFlightCount).toBe(0);
  });

  test('a slot is used again once its operation has ended, not before', async () => {
    const binding = new ManualBinding();
    const operations = new Operations(binding);
    const first = operations.run(binding.submit, 1, asNumber);
    void operations.run(binding.submit, 1, asNumber);
    binding.complete([[0, 0, 7, 0]]);
    expect(await first).toBe(7);
    void operations.run(binding.submit, 1, asNumber);
    expect(binding.slots).toEqual([0, 1, 0]);
  });

  test('what one turn submits is begun by one flush, at its end', async () => {
    const binding = new ManualBinding();
    const operations = new Operations(binding);
    const submitTwo = async (): Promise<void> => {
      await Promise.resolve();
      void operations.run(binding.submit, 1, asNothing);
      void operations.run(binding.submit, 1, asNothing);
    };
    void submitTwo();
    void submitTwo();
    expect(binding.flushCount).toBe(0);
    await new Promise(setImmediate);
    expect(binding.slots).toHaveLength(4);
    expect(binding.flushCount).toBe(1);
    void operations.run(binding.submit, 1, asNothing);
    await new Promise(setImmediate);
    expect(binding.flushCount).toBe(2);
  });

  test('an abort cancels; the promise rejects once the core has given up', async () => {
    const binding = new ManualBinding();
    const operations = new Operations(binding);
    const controller = new AbortController();
    const promise = operations.run(binding.submit, 1, asNothing, undefined, controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(binding.cancelled).toEqual([0]);
    expect(operations.inFlightCount).toBe(1);
    binding.complete([[0, 2, 0, 0]], [{ code: 'DER_CANCELED', message: 'canceled' }]);
    await expect(promise).rejects.toBe(reason);
  });

  test('an operation that ends in spite of its abort gives its result', async () => {
    const binding = new ManualBinding();
    const operations = new Operations(binding);
    const controller = new AbortController();
    const promise = operations.run(binding.submit, 1, asNumber, undefined, controller.signal);
    controller.abort();
    binding.complete([[0, 0, 3, 0]]);
    expect(await promise).toBe(3);
  });

  test('an aborted signal starts nothing', async () => {
    const binding = new ManualBinding();
    const operations = new Operations(binding);
    await expect(
      operations.run(binding.submit, 1, asNothing, undefined, AbortSignal.abort()),
    ).rejects.toThrow(/abort/i);
    expect(binding.slots).toEqual([]);
  });

  test('a parameter that is wrong rejects the promise and starts nothing', async () => {
    const binding = new ManualBinding();
    const operations = new Operations(binding);
    operations.command.begin().key('');
    await expect(operations.run(binding.submit, 1, asNothing)).rejects.toMatchObject({
      code: 'DER_INVAL',
    });
    expect(binding.slots).toEqual([]);
  });

  test('a command larger than the buffer reaches the addon', async () => {
    const { operations, binding } = loadAddon<{ mediaOpenMemory: NativeFunction }>('engine');
    operations.command.begin().text('n'.repeat(100_000)).u64(5);
    const promise = operations.run(binding.mediaOpenMemory, 0, asNumber);
    await expect(promise).rejects.toMatchObject({ code: 'DER_INVAL' });
  });

  test('a batch over the size of the completion array settles whole', async () => {
    const { operations, binding } = loadAddon<{ mediaFlush: NativeFunction }>('engine');
    operations.command.begin();
    const flushes = Array.from({ length: 5000 }, () =>
      operations.run(binding.mediaFlush, 12345, asNothing),
    );
    const outcomes = await Promise.allSettled(flushes);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(operations.inFlightCount).toBe(0);
  });
});
