// A server: its data directory, its engines and the control service, started and stopped together.
//
// Life cycle: lock the directory → control host (metadata, healed) → serve the control API → start
//             the engines, which join → ready; the other way round to stop. A failure on the way up
//             undoes what was started.

import { hostname } from 'node:os';
import { systemClock } from '@daos/control';
import { AuditLog } from '@daos/control/audit';
import { ControlClient } from '@daos/control/client';
import type { ConsoleToken } from '@daos/control/console';
import type { ControlService } from '@daos/control/service';
import { readCertificates, type Certificates } from '@daos/control/service-tls';
import { checkListen } from '@daos/control/listen';
import { DaosError } from '@daos/model';
import {
  enginesOf,
  type EngineConfig,
  type LogLevel,
  type ServerConfig,
} from './config/server-config.js';
import { memoryCapacityOf, storageCapacityOf } from './data/capacity.js';
import { DataDirectory } from './data/data-directory.js';
import type { EngineOptions } from './engine/engine-messages.js';
import { EngineProcess } from './engine/engine-process.js';
import { Supervisor, type DeviceFormat } from './engine/supervisor.js';
import type { LineLog } from './log.js';
import { ControlHost } from './system/control-host.js';
import { EngineCommands } from './system/engine-commands.js';
import { RankMember } from './system/rank-member.js';
import { SERVER_VERSION } from './version.js';

export interface ServerOptions {
  readonly config: ServerConfig;
  readonly log: LineLog;
  /** Formats blank devices of engines without being asked for. */
  readonly isFormattingBlank?: boolean;
}

export class DaosServer implements AsyncDisposable {
  readonly #config: ServerConfig;
  readonly #log: LineLog;
  readonly #isFormattingBlank: boolean;
  /** What undoes the steps of the start that were taken, in their order. */
  readonly #undo: (() => void | Promise<void>)[] = [];
  readonly #supervisors = new Map<number, Supervisor>();
  readonly #commands = new EngineCommands(this.#supervisors, (level) => this.#setLogLevel(level));
  readonly #certificates: Certificates | undefined;
  readonly #serving = deferred();
  #service: ControlService | undefined;
  /** Tells those who look into the data directory what runs. */
  #publish: () => void = () => {};

  /** Serves, with all engines running, when the promise resolves. */
  static async start(options: ServerOptions): Promise<DaosServer> {
    const server = new DaosServer(options);
    try {
      await server.#start();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  private constructor({ config, log, isFormattingBlank = false }: ServerOptions) {
    this.#config = config;
    this.#log = log;
    this.#isFormattingBlank = isFormattingBlank;
    const folder = config.control.certificates;
    this.#certificates = folder === undefined ? undefined : readCertificates(folder, 'server');
  }

  /** Of the control service. */
  get url(): string {
    if (!this.#service) throw new DaosError('DER_UNINIT', 'the server has not started');
    return this.#service.url;
  }

  async stop(): Promise<void> {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) await undo();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(): Promise<void> {
    const startedMs = Date.now();
    const { data_directory, name } = this.#config;
    const data = DataDirectory.open(data_directory, name);
    this.#undo.push(() => data[Symbol.dispose]());
    await this.#checkServices();
    const engines = enginesOf(this.#config);
    const member = this.#member();
    for (const engine of engines) {
      this.#supervisors.set(engine.rank, this.#supervise(engine, engines.length, member, data));
    }
    const { hosts, metadata } = this.#config.control;
    if (!hosts && !metadata) data.checkControlKept();
    const host = await ControlHost.open({
      config: this.#config,
      directory: data.controlPath,
      commands: this.#commands,
      certificates: this.#certificates,
      log: this.#log,
    });
    this.#undo.push(() => host.stop());
    // Engines take longer to start than the service: they begin first, and join when it serves.
    this.#undo.push(() => this.#stopEngines());
    const started = this.#startEngines();
    // Awaited below; until then a failure of theirs is not forgotten but kept.
    started.catch(() => {});
    await this.#startService(host, data.auditPath);
    host.serve(this.#controlUrl());
    member.start();
    this.#undo.push(() => member.stop());
    // Before the service ends, so that their last words arrive.
    this.#undo.push(() => this.#stopEngines());
    await started;
    this.#publish = () => {
      const engines = [...this.#supervisors.values()].flatMap(({ rank, pid }) =>
        pid === undefined ? [] : [{ rank, pid }],
      );
      data.publishRun({ pid: process.pid, url: this.url, startedMs, engines });
    };
    this.#undo.push(() => {
      this.#publish = () => {};
    });
    this.#publish();
  }

  /** What would keep the services from starting, before engines are started for nothing. */
  async #checkServices(): Promise<void> {
    const { address, port, insecure, console_port: consolePort } = this.#config.control;
    const access = { address, insecure, certificates: this.#certificates };
    await checkListen({ ...access, port });
    if (consolePort !== undefined) await checkListen({ ...access, port: consolePort });
  }

  /** Loads the service only now, while the engines start on other cores. */
  async #startService(host: ControlHost, auditPath: string): Promise<void> {
    const { address, port, insecure } = this.#config.control;
    const { ControlService } = await import('@daos/control/service');
    const auditLog = new AuditLog(auditPath);
    this.#undo.push(() => auditLog.close());
    const issueConsoleToken = await this.#startConsole(host);
    const service = await ControlService.start({
      issueConsoleToken,
      get control() {
        return host.control;
      },
      elsewhere: (method) => host.elsewhere(method),
      commandEngine: (command) => this.#commands.run(command),
      address,
      port,
      insecure,
      version: SERVER_VERSION,
      log: this.#log,
      audit: (entry) => auditLog.write(entry),
      ...(this.#certificates && { certificates: this.#certificates }),
    });
    this.#undo.push(() => service.close());
    this.#service = service;
    this.#serving.resolve();
  }

  /** Where there is one: what lets a browser in. */
  async #startConsole(host: ControlHost): Promise<(() => ConsoleToken) | undefined> {
    const { address, console_port: port } = this.#config.control;
    if (port === undefined) return undefined;
    const { ConsoleAccess, ConsoleService, CONSOLE_TOKEN_LIFE_MS } = await import(
      '@daos/control/console'
    );
    const access = new ConsoleAccess(systemClock);
    const service = await ConsoleService.start({
      get control() {
        return host.control;
      },
      ...{ access, address, port, certificates: this.#certificates, log: this.#log },
    });
    this.#undo.push(() => service.close());
    const lifeMs = CONSOLE_TOKEN_LIFE_MS;
    return () => ({ token: access.issueToken(), url: service.url, lifeMs });
  }

  /** How other hosts reach this one. */
  #controlUrl(): string {
    const { url } = this.#config.control;
    return url ?? this.url.replace(/\/\/(0\.0\.0\.0|\[::\]):/, `//${hostname()}:`);
  }

  #member(): RankMember {
    const { hosts } = this.#config.control;
    const client = () =>
      new ControlClient({
        url: hosts?.join(',') ?? this.url,
        ...(this.#certificates && { certificates: this.#certificates }),
      });
    return new RankMember({
      client: this.#serving.promise.then(client),
      controlUrl: () => this.#controlUrl(),
      commands: this.#commands,
      clock: systemClock,
      log: this.#log,
    });
  }

  #setLogLevel(level: LogLevel = this.#config.log.level): void {
    this.#log.level = level;
    this.#log.warn(`lines of level '${level}' and above are logged from here on`);
  }

  async #startEngines(): Promise<void> {
    const starts = [...this.#supervisors.values()].map((supervisor) => supervisor.start());
    const outcomes = await Promise.allSettled(starts);
    for (const [index, supervisor] of [...this.#supervisors.values()].entries()) {
      const outcome = outcomes[index];
      if (outcome?.status !== 'rejected') continue;
      if (!isFormatWanted(outcome.reason)) throw outcome.reason;
      const { message } = outcome.reason as DaosError;
      this.#log.warn(`rank ${supervisor.rank} waits for 'dmg storage format': ${message}`);
      await supervisor.awaitFormat(message);
    }
  }

  async #stopEngines(): Promise<void> {
    await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.stop()));
  }

  #supervise(
    engine: EngineConfig,
    engineCount: number,
    member: RankMember,
    data: DataDirectory,
  ): Supervisor {
    const { rank, storage } = engine;
    return new Supervisor({
      rank,
      clock: systemClock,
      log: this.#log,
      startEngine: (format) => this.#startEngine(engine, data.enginePath(rank), format),
      isFormattingBlank: this.#isFormattingBlank,
      description: {
        rank,
        host: hostname(),
        faultDomain: this.#config.fault_path ?? `/${hostname()}`,
        targetCount: engine.targets,
        storageCapacityBytes: storage.capacity ?? storageCapacityOf(data.path, engineCount),
        memoryCapacityBytes: storage.memory ?? memoryCapacityOf(engineCount),
      },
      reporter: {
        join: async (request) => {
          await member.join(request);
          this.#publishIfPossible();
        },
        awaitFormat: (request, reason) => member.awaitFormat(request, reason),
        leave: async (left, state, reason) => {
          this.#publishIfPossible();
          await member.leave(left, state, reason);
        },
      },
    });
  }

  /** A full disk keeps others from finding new process ids, and the engine from nothing. */
  #publishIfPossible(): void {
    try {
      this.#publish();
    } catch (error) {
      this.#log.warn('what runs here is not published', { error: String(error) });
    }
  }

  #startEngine(
    engine: EngineConfig,
    dataDirectory: string,
    format: DeviceFormat | undefined,
  ): Promise<EngineProcess> {
    const options = {
      rank: engine.rank,
      dataDirectory,
      targetCount: engine.targets,
      transports: engine.transports,
      tcpAddress: engine.address,
      tcpPort: engine.port,
      spinMicroseconds: engine.spin,
      store: { ...storeOf(engine.storage), ...(format && { format }) },
      // All of them: what is wanted is decided here, and can change while the engine runs.
      logLevel: 'debug' as const,
      ...(engine.pin_cores && { pinCores: engine.pin_cores }),
    };
    return EngineProcess.start(options, (line) => this.#log.engineLine(engine.rank, line));
  }
}

/** Nothing of the engine lies on its devices, or what lies there is not to be lost unasked. */
function isFormatWanted(error: unknown): boolean {
  return DaosError.is(error, 'DER_UNINIT') || DaosError.is(error, 'DER_EXIST');
}

function storeOf(storage: EngineConfig['storage']): EngineOptions['store'] {
  const { arena, history, prewrite, devices, spdk, discard } = storage;
  const { absorb, ...log } = storage.log;
  return {
    arena,
    historySeconds: history,
    log,
    absorbBelowBytes: absorb,
    ...(devices && {
      devices: devices.map(({ path, roles }) => ({ path, roles: [...roles] })),
      isDiscarding: discard,
    }),
    ...(spdk && {
      spdk: {
        pciAllowed: spdk.pci_allowed,
        hasHugePages: spdk.huge_pages,
        ...(spdk.memory !== undefined && { memoryBytes: spdk.memory }),
        ...(spdk.configuration !== undefined && {
          configuration: JSON.stringify(spdk.configuration),
        }),
      },
    }),
    ...(prewrite.enabled && {
      prewrite: { idleBytesPerSecond: prewrite.idle, busyBytesPerSecond: prewrite.busy },
    }),
  };
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
