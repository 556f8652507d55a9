// A network within this process: an engine and clients that share one talk without sockets.
import { loadAddon } from './load.js';
import { asNothing, asNumber, type Handle, type NativeFunction } from './operations.js';

interface NetworkBinding {
  networkCreate: NativeFunction;
  networkClose: NativeFunction;
}

const NO_HANDLE: Handle = 0;

/** Belongs to the environment that made it, as do all engines and clients that use it. */
export class LocalNetwork implements AsyncDisposable {
  readonly handle: Handle;

  private constructor(handle: Handle) {
    this.handle = handle;
  }

  static async create(): Promise<LocalNetwork> {
    const { operations, binding } = loadAddon<NetworkBinding>('engine');
    operations.command.begin();
    return new LocalNetwork(await operations.run(binding.networkCreate, NO_HANDLE, asNumber));
  }

  /** Engines and clients that use it keep it. */
  close(): Promise<void> {
    const { operations, binding } = loadAddon<NetworkBinding>('engine');
    operations.command.begin();
    return operations.run(binding.networkClose, this.handle, asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
