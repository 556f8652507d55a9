// A whole system for tests: a real daos-server with real engines, on loopback, in a directory of
// its own, with or without certificates.
//
// Life cycle: start → use → stop, which kills what is left by its process id.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlClient } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { readRun } from '@daos/server/data-directory';
import type { Cli, CliWorld } from './cli.js';

const PACKAGES = join(import.meta.dirname, '../..');
const SERVER = join(PACKAGES, 'server/dist/daos-server.js');
const AGENT = join(PACKAGES, 'agent/dist/daos-agent.js');
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;

export interface SystemOptions {
  /** One target each. Default 1. */
  readonly engineCount?: number;
  /** Of each engine. Default 1. */
  readonly targetCount?: number;
  /** What pools of one engine lie on, as the configuration has it. Default: its data directory. */
  readonly devices?: readonly { readonly path: string; readonly roles?: readonly string[] }[];
  /** Whether such devices are told what is free. Default: the server's. */
  readonly discard?: boolean;
  /** Further parameters of `daos-server start`. */
  readonly parameters?: readonly string[];
  /** Seconds for which old versions stay. Default: the server's. */
  readonly historySeconds?: number;
  /** With certificates and an agent. Default: neither. */
  readonly isSecure?: boolean;
  /**
   * The data directory is a file system of its own, in memory, of so many bytes; where
   * `canMountFileSystems`. Default: a directory.
   */
  readonly dataFileSystemBytes?: number;
  /** More of the `control` part of the configuration, as `name: value`. */
  readonly control?: string;
  /** A module that the server's process imports first. Default: none. */
  readonly preload?: string;
  /** A library that the server and its engines load before all others. Default: none. */
  readonly library?: string;
}

/** User and mount namespaces are to be had. */
export const canMountFileSystems = (): boolean =>
  spawnSync('unshare', ['-rm', 'true']).status === 0;

/** `sh` with it: mounts `size` bytes at `directory`, then becomes the program. */
const MOUNT_AND_RUN = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"';

export interface Ran {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

export class TestSystem implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'daos-system-'));
  readonly part = (name: string): string => join(this.directory, name);
  /** Of the control service. */
  url = '';
  readonly #processes: ChildProcess[] = [];
  readonly #isSecure: boolean;
  #hasOwnFileSystem = false;

  static async start(options: SystemOptions = {}): Promise<TestSystem> {
    const system = new TestSystem(options.isSecure === true);
    try {
      await system.#start(options);
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  private constructor(isSecure: boolean) {
    this.#isSecure = isSecure;
  }

  get certificates(): string {
    return this.part('certs');
  }

  /** What a client of this system takes as its `control`. */
  get clientControl(): string {
    return this.#isSecure ? `unix:${this.part('agent.sock')}` : this.url;
  }

  /** As an administrator. */
  admin(): ControlClient {
    if (!this.#isSecure) return new ControlClient({ url: this.url });
    const certificates = readCertificates(this.certificates, 'admin');
    return new ControlClient({ url: this.url, certificates });
  }

  /** As this process reaches it. */
  get dataDirectory(): string {
    const [server] = this.#processes;
    return (this.#hasOwnFileSystem ? `/proc/${server?.pid}/root` : '') + this.part('data');
  }

  /** Process ids of the engines that run now. */
  enginePids(): number[] {
    return (readRun(this.dataDirectory)?.engines ?? []).map(({ pid }) => pid);
  }

  /** A command line in this process, with streams of its own. */
  async run(make: (world: CliWorld) => Cli, parameters: readonly string[]): Promise<Ran> {
    const output: Buffer[] = [];
    let errors = '';
    const cli = make({
      environment: {},
      write: (text) => void output.push(Buffer.from(text)),
      writeError: (text) => void (errors += text),
    });
    const isAdministrator = cli.program.name() === 'dmg';
    const access =
      this.#isSecure && isAdministrator
        ? ['--control', this.url, '--certs', this.certificates]
        : ['--control', this.clientControl];
    const status = await cli.run([...access, ...parameters]);
    return { status, output: Buffer.concat(output).toString(), errors };
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await once(child, 'exit');
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(options: SystemOptions): Promise<void> {
    const { engineCount = 1, targetCount = 1, control, dataFileSystemBytes } = options;
    if (this.#isSecure) this.#runToEnd(SERVER, 'cert', 'generate', '-d', this.certificates);
    const access = this.#isSecure ? `certificates: ${this.certificates}` : 'insecure: true';
    const storage = JSON.stringify({
      ...(options.devices ? { devices: options.devices } : { capacity: '2GiB' }),
      ...(options.discard !== undefined && { discard: options.discard }),
      ...{ memory: '512MiB', history: options.historySeconds },
    });
    const engine = `  - { targets: ${targetCount}, storage: ${storage} }\n`;
    const more = control === undefined ? '' : `, ${control}`;
    writeFileSync(
      this.part('server.yml'),
      `data_directory: ${this.part('data')}\ncontrol: { port: 0, ${access}${more} }\n` +
        `engines:\n${engine.repeat(engineCount)}`,
    );
    const preload = options.preload === undefined ? [] : ['--import', options.preload];
    const first = options.library === undefined ? [] : ['env', `LD_PRELOAD=${options.library}`];
    const program = [...first, process.execPath, ...preload, SERVER];
    const further = options.parameters ?? [];
    const server = [...program, 'start', '-c', this.part('server.yml'), ...further];
    if (dataFileSystemBytes === undefined) {
      this.#spawn(...server);
    } else {
      mkdirSync(this.part('data'), { mode: 0o700 });
      this.#hasOwnFileSystem = true;
      const mount = [MOUNT_AND_RUN, 'sh', String(dataFileSystemBytes), this.part('data')];
      this.#spawn('unshare', '-rm', 'sh', '-c', ...mount, ...server);
    }
    this.url = (await until(() => readRun(this.dataDirectory))).url;
    if (!this.#isSecure) return;
    const socket = this.part('agent.sock');
    const certs = this.certificates;
    const agent = ['start', '--control', this.url, '--certs', certs, '--socket', socket];
    this.#spawn(process.execPath, AGENT, ...agent);
    const client = new ControlClient({ url: this.clientControl });
    await until(() => client.call('listPools').catch(() => undefined));
  }

  #spawn(program = '', ...parameters: string[]): void {
    const log = openSync(this.part(parameters.includes(SERVER) ? 'server.log' : 'agent.log'), 'a');
    this.#processes.push(spawn(program, parameters, { stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  #runToEnd(program: string, ...parameters: string[]): void {
    execFileSync(process.execPath, [program, ...parameters]);
  }
}

/** Asks again until there is an answer. */
export async function until<T>(find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not in time: ${find.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What an action came to: `done`, or the code of its error. */
export async function outcomeOf(action: Promise<unknown>): Promise<string> {
  return await action.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );
}
