// An open pool: its map, from which containers are opened.
import type { PoolDescription, PoolDirectory } from '@daos/model';
import { asNothing, asNumber, type CommandWriter, type Handle } from '@daos/native';
import type { ClientAddon } from './binding.js';
import { Container } from './container.js';

export interface ContainerOptions {
  /** Refuse writes through this handle. Default false. */
  readOnly?: boolean;
}

export class Pool implements AsyncDisposable {
  /** What the pool was opened by names it no longer: labels may move, UUIDs stay. */
  readonly uuid: string;
  readonly label: string;
  readonly #addon: ClientAddon;
  readonly #handle: Handle;
  readonly #directory: PoolDirectory;

  private constructor(
    addon: ClientAddon,
    handle: Handle,
    directory: PoolDirectory,
    { uuid, label }: PoolDescription,
  ) {
    this.#addon = addon;
    this.#handle = handle;
    this.#directory = directory;
    this.uuid = uuid;
    this.label = label;
  }

  /** For Client.openPool. */
  static async open(
    addon: ClientAddon,
    client: Handle,
    directory: PoolDirectory,
    name: string,
  ): Promise<Pool> {
    const description = await directory.getPool(name);
    const { operations, binding } = addon;
    writeMap(operations.command.begin().uuid(description.uuid), description);
    const handle = await operations.run(binding.poolOpen, client, asNumber);
    return new Pool(addon, handle, directory, description);
  }

  /**
   * Opens a container by label or UUID.
   * @throws DaosError DER_NONEXIST, DER_NO_PERM.
   */
  async openContainer(
    name: string,
    { readOnly = false }: ContainerOptions = {},
  ): Promise<Container> {
    const found = this.#directory.openContainer
      ? await this.#directory.openContainer(this.uuid, name, { readOnly })
      : { ...(await this.#directory.getContainer(this.uuid, name)), capability: '' };
    const { uuid, label, properties } = found;
    const { operations, binding } = this.#addon;
    const capability = Buffer.from(found.capability, 'base64');
    operations.command.begin().uuid(uuid).boolean(readOnly).bytes(capability);
    const handle = await operations.run(binding.containerOpen, this.#handle, asNumber);
    return new Container(this.#addon, handle, { uuid, label, properties, poolUuid: this.uuid });
  }

  /**
   * Fetches the pool map again, as after an engine has moved. Operations that wait for a target go
   * on with the new map.
   */
  async refresh(): Promise<void> {
    const description = await this.#directory.getPool(this.uuid);
    const { operations, binding } = this.#addon;
    writeMap(operations.command.begin(), description);
    await operations.run(binding.poolUpdateMap, this.#handle, asNothing);
  }

  /** Containers opened through the pool stay open. */
  close(): Promise<void> {
    this.#addon.operations.command.begin();
    return this.#addon.operations.run(this.#addon.binding.poolClose, this.#handle, asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function writeMap(command: CommandWriter, { map }: PoolDescription): void {
  const targets = map.ranks.flatMap(({ rank, targets }) =>
    targets.map((target) => ({ rank, ...target })),
  );
  command.u32(map.version).u32(targets.length);
  for (const { rank, index, state, addresses } of targets) {
    command
      .u32(rank)
      .u32(index)
      .boolean(state === 'up')
      .u32(addresses.length);
    for (const { transport, address } of addresses) command.text(transport).text(address);
  }
}
