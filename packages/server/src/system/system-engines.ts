// Finds the engine of any rank of the system: of this server by a plain call, of another one
// through its control service.

import { hostScanSchema, type EngineDirectory } from '@daos/control';
import { ControlClient } from '@daos/control/client';
import {
  ENGINE_METHODS,
  type EngineControl,
  type EngineMethod,
} from '@daos/control/engine-control';
import type { Certificates } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';
import type { EngineCommands, HOST_METHODS } from './engine-commands.js';

export interface SystemEnginesOptions {
  readonly commands: EngineCommands;
  /** Where the server of a rank takes commands; undefined for an unknown one. */
  readonly urlOf: (rank: number) => Promise<string | undefined>;
  readonly certificates: Certificates | undefined;
  /** Of who commands. */
  readonly term: number;
}

export function systemEngines(options: SystemEnginesOptions): EngineDirectory {
  const send = (rank: number, method: EngineMethod | (typeof HOST_METHODS)[number]) =>
    sendTo(options, rank, method);
  const methods = Object.keys(ENGINE_METHODS) as EngineMethod[];
  return {
    engineOf: (rank) =>
      Object.fromEntries(
        methods.map((method) => [method, send(rank, method)]),
      ) as unknown as EngineControl,
    power: {
      start: async (rank) => void (await send(rank, 'powerOn')({})),
      stop: async (rank, options) => void (await send(rank, 'powerOff')(options)),
    },
    formatStorage: async (rank, options) => {
      await send(rank, 'formatStorage')(options);
    },
    setLogLevel: async (rank, level) => {
      await send(rank, 'setLogLevel')(level === undefined ? {} : { level });
    },
    setDeviceLight: async (rank, path, isOn) => {
      await send(rank, 'setDeviceLight')({ path, isOn });
    },
    scanHost: async (rank) => hostScanSchema.parse(await send(rank, 'scanHost')({})),
  };
}

function sendTo(options: SystemEnginesOptions, rank: number, method: string) {
  const { commands, urlOf, certificates, term } = options;
  return async (parameters: unknown): Promise<unknown> => {
    const command = { rank, method, term, parameters };
    if (commands.has(rank)) return await commands.run(command);
    const url = await urlOf(rank);
    if (url === undefined) throw new DaosError('DER_UNREACH', `rank ${rank} has no server`);
    return await new ControlClient({ url, ...(certificates && { certificates }) }).commandEngine(
      command,
    );
  };
}
