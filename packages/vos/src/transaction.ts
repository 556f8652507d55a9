// Several writes as one.
import { DaosError, type Epoch } from '@daos/model';
import { asNothing, type Handle } from '@daos/native';
import type { VosAddon } from './binding.js';
import { VosWriter } from './writer.js';

/**
 * Reads see the container at the epoch of the beginning, and what the transaction wrote; nobody
 * else sees that before commit. What was read stays so: a later write of others at an earlier epoch
 * is refused with DER_TX_RESTART, and a read that another open transaction decides with
 * DER_TX_BUSY.
 *
 * An `await using` transaction that was not committed is aborted.
 */
export class VosTransaction extends VosWriter implements AsyncDisposable {
  readonly id: string;
  protected readonly writeEpoch: Epoch;
  #isOpen = true;

  constructor(addon: VosAddon, handle: Handle, id: string, epoch: Epoch) {
    super(addon, handle, epoch, id);
    this.id = id;
    this.writeEpoch = epoch;
  }

  /** All its writes take effect; resolves when that is durable. One without writes is no error. */
  async commit(): Promise<void> {
    this.#isOpen = false;
    try {
      await this.#settle('vosCommit');
    } catch (error) {
      if (!DaosError.is(error, 'DER_NONEXIST')) throw error;
    }
  }

  /** Its writes never happened. */
  async abort(): Promise<void> {
    this.#isOpen = false;
    await this.#settle('vosAbort');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOpen) await this.abort();
  }

  #settle(name: 'vosCommit' | 'vosAbort'): Promise<void> {
    const { operations, binding } = this.addon;
    operations.command.begin().uuid(this.id);
    return operations.run(binding[name], this.handle, asNothing);
  }
}
