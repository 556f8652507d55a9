import { describe, expect, test } from '@jest/globals';
import { DaosError } from '@daos/model';
import type { Clock } from '../clock.js';
import type { ReportProgress } from '../work-progress.js';
import { RunningRequests, StillRunning } from './running-requests.js';

/** Its time passes when the test says so. */
class TestClock implements Clock {
  #tasks: { atMs: number; task: () => void }[] = [];
  #nowMs = 0;
  readonly monotonicMs = () => this.#nowMs;
  readonly wallMs = () => this.#nowMs;

  schedule(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, task };
    this.#tasks.push(entry);
    return () => void (this.#tasks = this.#tasks.filter((other) => other !== entry));
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#tasks.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#tasks = this.#tasks.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { task } of due) task();
  }
}

const joining = { key: 'k', digest: 'd', waitMs: 2000 };

/** Work that ends when the test says so. */
function work() {
  let runCount = 0;
  let report: ReportProgress = () => {};
  let end: (answer: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const run = (tell: ReportProgress) => {
    runCount += 1;
    report = tell;
    return new Promise((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
  };
  return {
    run,
    runCount: () => runCount,
    report: (text: string) => report({ count: 0, text }),
    end: (answer: string) => end(answer),
    fail: (error: Error) => fail(error),
  };
}

describe('control/running-requests', () => {
  test('who waits no longer is told how far it is, and comes again for the answer', async () => {
    const clock = new TestClock();
    const requests = new RunningRequests(clock);
    const { run, runCount, report, end } = work();
    const first = requests.join(joining, run);
    report('1 of 2');
    clock.pass(2000);
    expect(await first).toEqual(new StillRunning({ count: 0, text: '1 of 2' }));
    const second = requests.join(joining, run);
    end('done');
    expect([await second, runCount()]).toEqual(['done', 1]);
  });

  test.each([['an answer'], ['a failure']])('%s that nobody waits for is kept', async (what) => {
    const clock = new TestClock();
    const requests = new RunningRequests(clock);
    const { run, runCount, end, fail } = work();
    const first = requests.join(joining, run);
    clock.pass(2000);
    await first;
    if (what === 'an answer') end('done');
    else fail(new DaosError('DER_NOSPACE', 'too small'));
    await requests.settled();
    clock.pass(59_999);
    const second = requests.join(joining, run);
    if (what === 'an answer') expect(await second).toBe('done');
    else await expect(second).rejects.toThrow('too small');
    expect(runCount()).toBe(1);
    // It was told: what comes now is another attempt.
    void requests.join(joining, run);
    expect(runCount()).toBe(2);
  });

  test('an outcome that nobody comes for is forgotten after a minute', async () => {
    const clock = new TestClock();
    const requests = new RunningRequests(clock);
    const { run, runCount, end } = work();
    const first = requests.join(joining, run);
    clock.pass(2000);
    await first;
    end('done');
    await requests.settled();
    await Promise.resolve();
    clock.pass(60_000);
    void requests.join(joining, run);
    expect(runCount()).toBe(2);
  });

  test('another request under the key is refused', async () => {
    const requests = new RunningRequests(new TestClock());
    void requests.join(joining, work().run);
    const other = requests.join({ ...joining, digest: 'other' }, work().run);
    await expect(other).rejects.toMatchObject({ code: 'DER_INVAL' });
  });
});
