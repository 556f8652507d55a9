// A control host without engines, for tests: on etcd, within this process or, where a process
// imports this module with `?options=`, as JSON, behind its name, in that. What acts, stands by and
// serves is what a server has.
//
// Life cycle: start → use → stop, which gives the lead back.

import { ControlService } from '@daos/control/service';
import { serverConfigSchema } from '../config/server-config.js';
import { LineLog } from '../log.js';
import { ControlHost } from './control-host.js';
import { EngineCommands } from './engine-commands.js';

export interface ControlHostFixtureOptions {
  readonly port: number;
  /** Members of the cluster. */
  readonly etcd: readonly string[];
}

export class ControlHostFixture implements AsyncDisposable {
  readonly #host: ControlHost;
  readonly #service: ControlService;

  static async start({ port, etcd }: ControlHostFixtureOptions): Promise<ControlHostFixture> {
    const config = serverConfigSchema.parse({
      data_directory: '/nowhere',
      control: { port, insecure: true, metadata: { etcd } },
      engines: [{}],
    });
    const log = new LineLog('error');
    const commands = new EngineCommands(new Map(), () => {});
    const host = await ControlHost.open({
      ...{ config, directory: config.data_directory, commands, certificates: undefined, log },
    });
    const service = await ControlService.start({
      get control() {
        return host.control;
      },
      elsewhere: (method) => host.elsewhere(method),
      ...{ address: '127.0.0.1', port, insecure: true, version: 'test', log },
    });
    host.serve(service.url);
    return new ControlHostFixture(host, service);
  }

  private constructor(host: ControlHost, service: ControlService) {
    this.#host = host;
    this.#service = service;
  }

  get url(): string {
    return this.#service.url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host.stop();
    await this.#service.close();
  }
}

const options = new URL(import.meta.url).searchParams.get('options');
if (options !== null) {
  await ControlHostFixture.start(JSON.parse(options) as ControlHostFixtureOptions);
}
