// What the control plane tells the engines of this server, whether it acts here or on another host.
//
// Invariant: a command of an earlier term than one that was seen is refused: who sent it has been
//            replaced, and its successor may have undone what it was at.

import { ENGINE_METHODS, type EngineMethod } from '@daos/control/engine-control';
import type { EngineCommand } from '@daos/control/service';
import { DaosError } from '@daos/model';
import * as z from 'zod';
import { inspectMachine } from '../config/generate-config.js';
import { LOG_LEVELS, type LogLevel } from '../config/server-config.js';
import type { Supervisor } from '../engine/supervisor.js';
import { SERVER_VERSION } from '../version.js';
import { setDeviceLight } from './device-light.js';

/** What changes nothing may be asked by a host that stands by as well. */
const READING: readonly string[] = [
  'queryPool',
  'containerUsage',
  'queryDevices',
  'listDevices',
  'poolMetrics',
  'addresses',
  'scanHost',
];

/** Besides the methods of an engine: whether it runs at all, and on what. */
export const HOST_METHODS = [
  'powerOn',
  'powerOff',
  'scanHost',
  'setDeviceLight',
  'setLogLevel',
  'formatStorage',
] as const;

/** A control host of an earlier version says nothing. */
const powerOffSchema = z.object({ isForced: z.boolean().default(false) });
const deviceLightSchema = z.strictObject({ path: z.string(), isOn: z.boolean() });
const formatSchema = z.strictObject({ isForced: z.boolean() });
const logLevelSchema = z.strictObject({ level: z.enum(LOG_LEVELS).optional() });

export class EngineCommands {
  readonly #supervisors: ReadonlyMap<number, Supervisor>;
  readonly #setLogLevel: (level: LogLevel | undefined) => void;
  #term = 0;

  /** Without a level the configuration's is meant. */
  constructor(
    supervisors: ReadonlyMap<number, Supervisor>,
    setLogLevel: (level: LogLevel | undefined) => void,
  ) {
    this.#supervisors = supervisors;
    this.#setLogLevel = setLogLevel;
  }

  has(rank: number): boolean {
    return this.#supervisors.has(rank);
  }

  /** DER_STALE for a term that has ended. */
  observe(term: number): void {
    if (term < this.#term) {
      throw new DaosError('DER_STALE', `a command of term ${term}; term ${this.#term} has begun`);
    }
    this.#term = term;
  }

  /** DER_UNREACH for a rank that is not here or not running. */
  async run({ rank, method, term, parameters }: EngineCommand): Promise<unknown> {
    if (!READING.includes(method)) this.observe(term);
    const supervisor = this.#supervisors.get(rank);
    if (!supervisor) throw new DaosError('DER_UNREACH', `rank ${rank} is not of this server`);
    if (method === 'powerOn') return await done(supervisor.start());
    if (method === 'powerOff') return await done(supervisor.stop(powerOffSchema.parse(parameters)));
    if (method === 'formatStorage') {
      return await done(supervisor.format(formatSchema.parse(parameters)));
    }
    if (method === 'scanHost') return { ...inspectMachine(), version: SERVER_VERSION };
    if (method === 'setDeviceLight') {
      const { path, isOn } = deviceLightSchema.parse(parameters);
      setDeviceLight(path, isOn);
      return {};
    }
    if (method === 'setLogLevel') {
      this.#setLogLevel(logLevelSchema.parse(parameters).level);
      return {};
    }
    if (!Object.hasOwn(ENGINE_METHODS, method)) {
      throw new DaosError('DER_INVAL', `engines have no method '${method}'`);
    }
    const known = method as EngineMethod;
    const call = supervisor.control[known] as (parameters: unknown) => Promise<unknown>;
    return await call(ENGINE_METHODS[known].parameters.parse(parameters));
  }
}

async function done(action: Promise<void>): Promise<object> {
  await action;
  return {};
}
