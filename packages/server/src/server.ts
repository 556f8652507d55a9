// A server: its data directory, its engines and the control service, started and stopped together.
//
// Life cycle: lock the directory → open the metadata → heal → serve the control API → start the
//             engines → ready; the other
// way round to stop. A failure on the way up undoes what was started.

import { hostname } from 'node:os';
import {
  ControlPlane,
  LmdbStore,
  systemClock,
  type EngineDirectory,
  type Log,
} from '@daos/control';
import { AuditLog } from '@daos/control/audit';
import type { ControlService } from '@daos/control/service';
import { readCertificates } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';
import { enginesOf, type EngineConfig, type ServerConfig } from './config/server-config.js';
import { memoryCapacityOf, storageCapacityOf } from './data/capacity.js';
import { DataDirectory } from './data/data-directory.js';
import { EngineProcess } from './engine/engine-process.js';
import { Supervisor } from './engine/supervisor.js';
import { SERVER_VERSION } from './version.js';

export interface ServerOptions {
  readonly config: ServerConfig;
  readonly log: Log;
}

export class DaosServer implements AsyncDisposable, EngineDirectory {
  readonly #config: ServerConfig;
  readonly #log: Log;
  /** What undoes the steps of the start that were taken, in their order. */
  readonly #undo: (() => void | Promise<void>)[] = [];
  readonly #supervisors = new Map<number, Supervisor>();
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

  private constructor({ config, log }: ServerOptions) {
    this.#config = config;
    this.#log = log;
  }

  /** Of the control service. */
  get url(): string {
    if (!this.#service) throw new DaosError('DER_UNINIT', 'the server has not started');
    return this.#service.url;
  }

  engineOf(rank: number): Supervisor['control'] {
    const supervisor = this.#supervisors.get(rank);
    if (!supervisor) throw new DaosError('DER_UNREACH', `rank ${rank} is not of this server`);
    return supervisor.control;
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
    const store = LmdbStore.open({ directory: data.controlPath });
    this.#undo.push(() => store.close());
    const control = new ControlPlane({ store, engines: this, log: this.#log });
    await this.#forgetEarlierRun(control);
    await control.heal();
    const engines = this.#startEngines(control, data);
    // Awaited below; until then a failure of theirs is not forgotten but kept.
    engines.catch(() => {});
    await this.#startService(control, data.auditPath);
    await engines;
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

  /** Loads the service only now, while the engines start on other cores. */
  async #startService(control: ControlPlane, auditPath: string): Promise<void> {
    const { address, port, insecure, certificates: folder } = this.#config.control;
    const { ControlService } = await import('@daos/control/service');
    const auditLog = new AuditLog(auditPath);
    this.#undo.push(() => auditLog.close());
    const service = await ControlService.start({
      control,
      address,
      port,
      insecure,
      version: SERVER_VERSION,
      log: this.#log,
      audit: (entry) => auditLog.write(entry),
      ...(folder !== undefined && { certificates: readCertificates(folder, 'server') }),
    });
    this.#undo.push(() => service.close());
    this.#service = service;
  }

  /** What is recorded of our ranks is of an earlier process: those engines are gone. */
  async #forgetEarlierRun(control: ControlPlane): Promise<void> {
    for (const { rank } of await control.listRanks()) await control.setRankState(rank, 'stopped');
  }

  async #startEngines(control: ControlPlane, data: DataDirectory): Promise<void> {
    const engines = enginesOf(this.#config);
    for (const engine of engines) {
      this.#supervisors.set(engine.rank, this.#supervise(engine, engines.length, control, data));
    }
    this.#undo.push(async () => {
      await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.stop()));
    });
    const starts = [...this.#supervisors.values()].map((supervisor) => supervisor.start());
    for (const outcome of await Promise.allSettled(starts)) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  }

  #supervise(
    engine: EngineConfig,
    engineCount: number,
    control: ControlPlane,
    data: DataDirectory,
  ): Supervisor {
    const { rank, storage } = engine;
    return new Supervisor({
      rank,
      clock: systemClock,
      log: this.#log,
      startEngine: () => this.#startEngine(engine, data.enginePath(rank)),
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
          await control.joinRank(request);
          this.#publish();
        },
        leave: async (left, state, reason) => {
          this.#publish();
          await control.setRankState(left, state, reason);
        },
      },
    });
  }

  #startEngine(engine: EngineConfig, dataDirectory: string): Promise<EngineProcess> {
    const options = {
      rank: engine.rank,
      dataDirectory,
      targetCount: engine.targets,
      transports: engine.transports,
      tcpAddress: engine.address,
      tcpPort: engine.port,
      spinMicroseconds: engine.spin,
      store: { arena: engine.storage.arena },
      logLevel: this.#config.log.level,
      ...(engine.pin_cores && { pinCores: engine.pin_cores }),
    };
    return EngineProcess.start(options, (line) => this.#log.info(`rank ${engine.rank}: ${line}`));
  }
}
