// Keeps one engine running: starts it, takes it into the system, starts it again when it ends.
//
// Life cycle: stopped → starting → running → (exit) → waiting → starting …; errored when a start
//             fails in a way that starting again cannot mend.

import type { Clock, EngineControl, JoinRequest, Log } from '@daos/control';
import { DaosError, type DaosErrorCode } from '@daos/model';
import { capacityOf } from '../data/device-capacity.js';
import type { EngineProcess } from './engine-process.js';

/**
 * Doubles with each exit up to the longest; an engine that ran for a while starts from the shortest
 * again.
 */
const RESTART_DELAY_MS_MIN = 50;
const RESTART_DELAY_MS_MAX = 30_000;
const STEADY_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
/** A killed server's engine still holds its directory while it closes. */
const BUSY_PATIENCE_MS = 4_000;
const BUSY_DELAY_MS = 100;

/** Errors of a start that another start would meet again. */
const HOPELESS: readonly DaosErrorCode[] = [
  'DER_INVAL',
  'DER_BUSY',
  'DER_DF_INCOMPT',
  'DER_DF_INVAL',
  'DER_MISMATCH',
  'DER_NOSYS',
];

/** Of devices that nothing of the engine lies on yet: blank ones alone, or whatever lies there. */
export type DeviceFormat = 'blank' | 'force';

/** What the supervisor tells the system about its rank. */
export interface RankReporter {
  join(request: JoinRequest): Promise<void>;
  /** Its engine starts when its devices have been formatted. */
  awaitFormat(request: JoinRequest, reason: string): Promise<void>;
  leave(rank: number, state: 'stopped' | 'errored' | 'suspect', reason: string): Promise<void>;
}

export interface SupervisorOptions {
  readonly rank: number;
  readonly startEngine: (format: DeviceFormat | undefined) => Promise<EngineProcess>;
  /** What is known of the rank without its addresses and its devices. */
  readonly description: Omit<JoinRequest, 'addresses' | 'deviceGroups'>;
  /** Devices that are blank are formatted without being asked for. */
  readonly isFormattingBlank?: boolean;
  readonly reporter: RankReporter;
  readonly clock: Clock;
  readonly log: Log;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  #engine: EngineProcess | undefined;
  #starting: Promise<EngineProcess> | undefined;
  #delayMs = RESTART_DELAY_MS_MIN;
  #cancelRestart: (() => void) | undefined;
  #wanted = false;
  #format: DeviceFormat | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    if (options.isFormattingBlank) this.#format = 'blank';
  }

  get rank(): number {
    return this.#options.rank;
  }

  get pid(): number | undefined {
    return this.#engine?.pid;
  }

  /** DER_UNREACH while the engine is not running. */
  get control(): EngineControl {
    if (this.#engine) return this.#engine.control;
    throw new DaosError('DER_UNREACH', `the engine of rank ${this.rank} is not running`);
  }

  /**
   * What fails here is the caller's to judge, and nothing is started again. An engine that runs is
   * left running.
   */
  async start(): Promise<void> {
    if (this.#wanted && this.#engine) return;
    this.#cancelRestart?.();
    this.#wanted = true;
    try {
      await this.#run();
    } catch (error) {
      this.#wanted = false;
      throw error;
    }
  }

  /** Starts an engine that waits for its devices to be formatted. DER_EXIST: one is not blank. */
  async format({ isForced }: { isForced: boolean }): Promise<void> {
    const before = this.#format;
    this.#format = isForced ? 'force' : 'blank';
    try {
      await this.start();
    } finally {
      this.#format = before;
    }
  }

  /** The system is told that the engine's devices have to be formatted, and why. */
  async awaitFormat(reason: string): Promise<void> {
    const { description, reporter } = this.#options;
    await reporter.awaitFormat({ ...description, addresses: [] }, reason);
  }

  /** In good order, or at once: then what is under way is redone from the log at the next start. */
  async stop({ isForced = false } = {}): Promise<void> {
    this.#wanted = false;
    this.#cancelRestart?.();
    if (isForced) this.#engine?.kill();
    await this.#starting?.catch(() => {});
    await this.#engine?.stop(STOP_TIMEOUT_MS);
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const startedMs = clock.monotonicMs();
    if (!this.#engine) {
      this.#starting = this.#startPatiently();
      const started = await this.#starting;
      this.#engine = started;
      void started.exited.then(({ reason }) => this.#onExit(reason, startedMs));
    }
    const engine = this.#engine;
    await this.#join(engine);
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    log.info(`rank ${this.rank} serves`, { pid: engine.pid, tookMs });
  }

  async #join({ control }: EngineProcess): Promise<void> {
    const { description, reporter } = this.#options;
    const { targets } = await control.addresses({});
    const { devices } = await control.listDevices({});
    await reporter.join({ ...description, ...capacityOf(devices), addresses: targets });
  }

  async #startPatiently(): Promise<EngineProcess> {
    const { clock } = this.#options;
    const beginMs = clock.monotonicMs();
    for (;;) {
      try {
        return await this.#options.startEngine(this.#format);
      } catch (error) {
        const isPatient = clock.monotonicMs() - beginMs < BUSY_PATIENCE_MS;
        if (!DaosError.is(error, 'DER_BUSY') || !isPatient || !this.#wanted) throw error;
        await new Promise<void>((resolve) => clock.schedule(BUSY_DELAY_MS, resolve));
      }
    }
  }

  #onExit(reason: string, startedMs: number): void {
    const { clock, log } = this.#options;
    this.#engine = undefined;
    if (!this.#wanted) {
      log.info(`engine of rank ${this.rank} ${reason}`);
      this.#report('stopped', reason);
      return;
    }
    const uptimeMs = clock.monotonicMs() - startedMs;
    if (uptimeMs >= STEADY_MS) this.#delayMs = RESTART_DELAY_MS_MIN;
    log.error(`engine of rank ${this.rank} ${reason}; starting it again`, {
      uptimeMs: Math.round(uptimeMs),
      delayMs: this.#delayMs,
    });
    this.#report('suspect', `engine ${reason}`);
    this.#restartLater();
  }

  #restartLater(): void {
    this.#cancelRestart?.();
    this.#cancelRestart = this.#options.clock.schedule(this.#delayMs, () => void this.#restart());
    this.#delayMs = Math.min(2 * this.#delayMs, RESTART_DELAY_MS_MAX);
  }

  async #restart(): Promise<void> {
    try {
      if (this.#wanted) await this.#run();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const what = this.#engine ? 'runs but cannot join' : 'does not start';
      this.#options.log.error(`rank ${this.rank} ${what}: ${message}`);
      if (!this.#wanted) return;
      // What keeps a running engine out, such as a full disk of the control service, may pass.
      const isHopeless = DaosError.is(error) && HOPELESS.includes(error.code) && !this.#engine;
      if (isHopeless) this.#report('errored', message);
      else this.#restartLater();
    }
  }

  #report(state: 'stopped' | 'errored' | 'suspect', reason: string): void {
    this.#options.reporter.leave(this.rank, state, reason).catch((error: unknown) => {
      this.#options.log.error(`state of rank ${this.rank} is not recorded`, {
        error: String(error),
      });
    });
  }
}
