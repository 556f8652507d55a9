// An engine in a process of its own, seen from the server.
//
// Life cycle: start → running → stop or exit, which `exited` tells. A call that is under way when
//             the process ends fails with
// DER_UNREACH.

import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import {
  ENGINE_METHODS,
  type EngineControl,
  type EngineMethod,
} from '@daos/control/engine-control';
import { reportRequestSpans } from '@daos/control/engine-spans';
import { DaosError } from '@daos/model';
import {
  fromEngineSchema,
  type EngineOptions,
  type FromEngine,
  type ToEngine,
} from './engine-messages.js';

const MAIN = new URL('./engine-main.js', import.meta.url);
/** Opening many pools with long logs takes its time. */
const START_TIMEOUT_MS = 120_000;
const CALL_TIMEOUT_MS = 60_000;

export interface EngineExit {
  /** For people, as `was killed by SIGKILL`. */
  readonly reason: string;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: DaosError): void;
}

export class EngineProcess {
  readonly rank: number;
  readonly control: EngineControl;
  readonly exited: Promise<EngineExit>;
  readonly #child: ChildProcess;
  readonly #onLine: (line: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  #starting: Waiting | undefined;
  #lastId = 0;
  #exit: EngineExit | undefined;

  /**
   * Serves when the promise resolves; fails with the engine's own error. `onLine` gets what it
   * prints.
   */
  static async start(
    options: EngineOptions,
    onLine: (line: string) => void,
  ): Promise<EngineProcess> {
    const engine = new EngineProcess(options.rank, onLine);
    await engine.#start(options);
    return engine;
  }

  private constructor(rank: number, onLine: (line: string) => void) {
    this.rank = rank;
    this.#onLine = onLine;
    this.control = this.#makeControl();
    this.#child = fork(MAIN, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', onLine);
    }
    this.#child.on('message', (value) => this.#receive(fromEngineSchema.parse(value)));
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#end(`could not run: ${error.message}`, resolve));
      this.#child.on('exit', (status, signal) =>
        this.#end(signal ? `was killed by ${signal}` : `ended with status ${status}`, resolve),
      );
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** In good order if it can, by force after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#exit) return;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    await this.control.stop({}).catch(() => this.#child.kill('SIGKILL'));
    await this.exited;
    clearTimeout(timer);
  }

  /** At once; `stop` waits for its end. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #makeControl(): EngineControl {
    const methods = Object.keys(ENGINE_METHODS) as EngineMethod[];
    const entries = methods.map((method) => [
      method,
      (parameters: unknown) => this.#call(method, parameters),
    ]);
    return Object.fromEntries(entries) as EngineControl;
  }

  async #start(options: EngineOptions): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<unknown>((resolve, reject) => {
        this.#starting = { resolve, reject };
        timer = setTimeout(() => this.#giveUp(reject), START_TIMEOUT_MS);
        this.#send({ type: 'start', options });
      });
    } finally {
      clearTimeout(timer);
      this.#starting = undefined;
    }
  }

  #giveUp(reject: (error: DaosError) => void): void {
    this.#child.kill('SIGKILL');
    const message = `engine of rank ${this.rank} did not start within ${START_TIMEOUT_MS / 1000} s`;
    reject(new DaosError('DER_TIMEDOUT', message));
  }

  async #call(method: EngineMethod, parameters: unknown): Promise<unknown> {
    if (this.#exit) throw this.#gone();
    const id = ++this.#lastId;
    let timer: NodeJS.Timeout | undefined;
    try {
      const result = await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        timer = setTimeout(() => {
          reject(new DaosError('DER_TIMEDOUT', `rank ${this.rank} does not answer '${method}'`));
        }, CALL_TIMEOUT_MS);
        this.#send({ type: 'call', id, method, parameters });
      });
      return ENGINE_METHODS[method].result.parse(result);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  #send(message: ToEngine): void {
    // What cannot be sent fails with the exit, which follows.
    this.#child.send(message, () => {});
  }

  #receive(message: FromEngine): void {
    if (message.type === 'spans') return this.#report(message);
    if (message.type === 'started') this.#starting?.resolve(undefined);
    else if (message.type === 'failed') this.#starting?.reject(errorOf(message.failure));
    else if (message.failure) this.#waiting.get(message.id)?.reject(errorOf(message.failure));
    else this.#waiting.get(message.id)?.resolve(message.result);
  }

  #report({ spans, droppedCount }: Extract<FromEngine, { type: 'spans' }>): void {
    void reportRequestSpans(this.rank, spans);
    if (droppedCount > 0) this.#onLine(`${droppedCount} spans of traced requests were dropped`);
  }

  #end(reason: string, resolve: (exit: EngineExit) => void): void {
    if (this.#exit) return;
    this.#exit = { reason };
    const error = this.#gone();
    this.#starting?.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    resolve(this.#exit);
  }

  #gone(): DaosError {
    return new DaosError('DER_UNREACH', `engine of rank ${this.rank} ${this.#exit?.reason}`);
  }
}

function errorOf(failure: {
  code: ConstructorParameters<typeof DaosError>[0];
  message: string;
}): DaosError {
  return new DaosError(failure.code, failure.message);
}
