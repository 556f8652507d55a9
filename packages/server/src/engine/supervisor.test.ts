// Goal:   when an engine is started again, and when not.
// Method: the supervisor alone, with a clock that is turned by hand and engines that end on
//         command. Real engines are killed in server.test.ts.

import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Clock } from '@daos/control';
import { DaosError } from '@daos/model';
import type { EngineExit, EngineProcess } from './engine-process.js';
import { Supervisor } from './supervisor.js';

class HandClock implements Clock {
  nowMs = 0;
  readonly tasks: { atMs: number; run: () => void }[] = [];

  monotonicMs = () => this.nowMs;
  wallMs = () => this.nowMs;

  schedule(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.nowMs + delayMs, run };
    this.tasks.push(task);
    return () => void this.tasks.splice(this.tasks.indexOf(task), 1);
  }

  /** Runs what falls due, and what follows from it. */
  async advance(ms: number): Promise<void> {
    this.nowMs += ms;
    for (const task of [...this.tasks].filter(({ atMs }) => atMs <= this.nowMs)) {
      this.tasks.splice(this.tasks.indexOf(task), 1);
      task.run();
    }
    await settled();
  }
}

/** Promises that wait for each other a few steps deep. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

class FakeEngines {
  startCount = 0;
  failure: DaosError | undefined;
  devices: object[] = [];
  formats: unknown[] = [];
  #end: (exit: EngineExit) => void = () => {};

  start = async (format?: unknown): Promise<EngineProcess> => {
    this.startCount += 1;
    this.formats.push(format);
    if (this.failure) throw this.failure;
    const exited = new Promise<EngineExit>((resolve) => (this.#end = resolve));
    const control = {
      addresses: async () => ({ targets: [[]] }),
      listDevices: async () => ({ devices: this.devices }),
    };
    const stop = async () => this.kill();
    return { pid: 1, exited, control, stop } as unknown as EngineProcess;
  };

  async kill(): Promise<void> {
    this.#end({ reason: 'was killed by SIGKILL' });
    await settled();
  }
}

describe('server/supervisor', () => {
  let clock: HandClock;
  let engines: FakeEngines;
  let reports: string[];
  let joinedWith: unknown;
  let joinFailure: Error | undefined;
  let supervisor: Supervisor;

  beforeEach(() => {
    clock = new HandClock();
    engines = new FakeEngines();
    reports = [];
    joinedWith = undefined;
    joinFailure = undefined;
    supervisor = new Supervisor({
      rank: 0,
      startEngine: engines.start,
      description: {
        rank: 0,
        host: 'here',
        faultDomain: '/here',
        targetCount: 1,
        storageCapacityBytes: 1,
        memoryCapacityBytes: 1,
      },
      reporter: {
        join: async (request) => {
          if (joinFailure) throw joinFailure;
          joinedWith = request;
          reports.push('joined');
        },
        awaitFormat: async () => void reports.push('awaitformat'),
        leave: async (_rank, state) => void reports.push(state),
      },
      clock,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
  });

  test('an engine that waits for its devices is told to format them once', async () => {
    engines.failure = new DaosError('DER_UNINIT', '/dev/sdx is not formatted');
    await expect(supervisor.start()).rejects.toMatchObject({ code: 'DER_UNINIT' });
    await supervisor.awaitFormat('/dev/sdx is not formatted');
    engines.failure = undefined;
    const of = { targets: [0, 1], state: 'normal' };
    engines.devices = [
      { ...of, roles: ['wal', 'meta'], bytesPerTarget: 30 },
      { ...of, roles: ['data'], bytesPerTarget: 100, targets: [0] },
      { ...of, roles: ['data'], bytesPerTarget: 90, targets: [1] },
    ];
    await supervisor.format({ isForced: false });
    await engines.kill();
    await clock.advance(50);
    expect(engines.formats).toEqual([undefined, 'blank', undefined]);
    expect(reports).toEqual(['awaitformat', 'joined', 'suspect', 'joined']);
    expect(joinedWith).toMatchObject({
      storageCapacityBytes: 2 * (30 + 90),
      deviceGroups: [
        { roles: ['wal', 'meta'], bytesPerTarget: 30 },
        { roles: ['data'], bytesPerTarget: 90 },
      ],
    });
  });

  test('a killed engine is suspect, started again and joined', async () => {
    await supervisor.start();
    await engines.kill();
    expect(() => supervisor.control).toThrow(expect.objectContaining({ code: 'DER_UNREACH' }));
    await clock.advance(50);
    expect(reports).toEqual(['joined', 'suspect', 'joined']);
    expect(supervisor.control).toBeDefined();
  });

  test('an engine that runs and cannot join goes on trying, and is not started twice', async () => {
    await supervisor.start();
    await engines.kill();
    joinFailure = new DaosError('DER_NOSPACE', 'a full disk');
    for (const ms of [50, 100, 200]) await clock.advance(ms);
    expect(reports).toEqual(['joined', 'suspect']);
    joinFailure = undefined;
    await clock.advance(400);
    expect(reports).toEqual(['joined', 'suspect', 'joined']);
    expect(engines.startCount).toBe(2);
    await clock.advance(60_000);
    expect(reports).toHaveLength(3);
  });

  test('an engine that keeps ending is started ever more slowly, up to 30 s', async () => {
    await supervisor.start();
    const delays: number[] = [];
    for (let i = 0; i < 14; i++) {
      await engines.kill();
      const due = clock.tasks[0]?.atMs ?? NaN;
      delays.push(due - clock.nowMs);
      await clock.advance(due - clock.nowMs);
    }
    expect(delays.slice(0, 4)).toEqual([50, 100, 200, 400]);
    expect(delays.at(-1)).toBe(30_000);
  });

  test('an engine that ran for a minute is started again at once', async () => {
    await supervisor.start();
    await engines.kill();
    await clock.advance(50);
    await clock.advance(60_000);
    await engines.kill();
    expect((clock.tasks[0]?.atMs ?? NaN) - clock.nowMs).toBe(50);
  });

  test('a stopped engine is not started again', async () => {
    await supervisor.start();
    await supervisor.stop();
    await clock.advance(60_000);
    expect(engines.startCount).toBe(1);
    expect(reports).toEqual(['joined', 'stopped']);
  });

  test('the first start fails with the engine’s own error', async () => {
    engines.failure = new DaosError('DER_DF_INCOMPT', 'version 9');
    await expect(supervisor.start()).rejects.toMatchObject({ code: 'DER_DF_INCOMPT' });
    await clock.advance(60_000);
    expect(engines.startCount).toBe(1);
  });

  test('a restart that cannot succeed leaves the rank errored', async () => {
    await supervisor.start();
    await engines.kill();
    engines.failure = new DaosError('DER_IO', 'a cable');
    await clock.advance(50);
    engines.failure = new DaosError('DER_DF_INVAL', 'damaged');
    await clock.advance(100);
    await clock.advance(60_000);
    expect(engines.startCount).toBe(3);
    expect(reports).toEqual(['joined', 'suspect', 'errored']);
  });

  test('a directory that an ending engine still holds is waited for', async () => {
    engines.failure = new DaosError('DER_BUSY', 'in use');
    const starting = supervisor.start();
    await settled();
    await clock.advance(100);
    engines.failure = undefined;
    await clock.advance(100);
    await starting;
    expect(engines.startCount).toBe(3);
  });
});
