// An open container of a store.
import { randomUUID } from 'node:crypto';
import { EPOCH_MAX, type Epoch } from '@daos/model';
import {
  AnswerReader,
  asBigint,
  asNothing,
  type CommandWriter,
  type Decode,
  type Handle,
} from '@daos/native';
import type { VosAddon, VosFunction } from './binding.js';
import { VosTransaction } from './transaction.js';
import { VosView } from './view.js';
import { VosWriter } from './writer.js';

/** What a container takes. */
export interface VosUsage {
  arenaBytes: number;
  dataBytes: number;
  objectCount: number;
}

/** What an aggregation or discard has done. */
export interface VosReduction {
  /** Versions and punches that are gone. */
  droppedCount: number;
  /** Extents that became part of another. */
  mergedCount: number;
  /** Values and runs of extents left alone: their checksums do not match, or they can't be read. */
  damagedCount: number;
  /** Values and parts of extents that were brought to new blocks of the data area. */
  migratedCount: number;
}

/** A transaction that was neither committed nor aborted. */
export interface VosPrepared {
  id: string;
  /** The least epoch that it has written at. */
  epoch: Epoch;
}

const asUsage: Decode<VosUsage> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return { arenaBytes: answer.size(), dataBytes: answer.size(), objectCount: answer.size() };
};

const asReduction: Decode<VosReduction> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return {
    droppedCount: answer.size(),
    mergedCount: answer.size(),
    damagedCount: answer.size(),
    migratedCount: answer.size(),
  };
};

const asEpochs: Decode<Epoch[]> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return Array.from({ length: answer.u32() }, () => answer.u64());
};

const asPrepared: Decode<VosPrepared[]> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return Array.from({ length: answer.u32() }, () => ({ id: answer.text(), epoch: answer.u64() }));
};

/**
 * A container. Each write is one transaction: it happens wholly or not at all, and answers its
 * epoch when it is durable. Several are one with begin().
 */
export class VosContainer extends VosWriter implements AsyncDisposable {
  readonly uuid: string;
  protected readonly writeEpoch = 0n;

  constructor(addon: VosAddon, handle: Handle, uuid: string) {
    super(addon, handle);
    this.uuid = uuid;
  }

  /** The container as it was at `epoch`. */
  snapshotRead(epoch: Epoch): VosView {
    return new VosView(this.addon, this.handle, epoch);
  }

  // --- transactions

  /** Begins a transaction now: its writes have one epoch, and are seen by others after commit. */
  async begin(): Promise<VosTransaction> {
    const epoch = await this.#run('vosNow', asBigint);
    return new VosTransaction(this.addon, this.handle, randomUUID(), epoch);
  }

  /** Transactions in doubt, also of the time before the store was opened. */
  preparedTransactions(): Promise<VosPrepared[]> {
    return this.#run('vosTransactions', asPrepared);
  }

  /** @throws DaosError DER_NONEXIST for one that has written nothing here. */
  commit(id: string): Promise<void> {
    return this.#run('vosCommit', asNothing, (command) => command.uuid(id));
  }

  /** @throws DaosError DER_ALREADY for one that was committed. */
  abort(id: string): Promise<void> {
    return this.#run('vosAbort', asNothing, (command) => command.uuid(id));
  }

  // --- history

  /**
   * Pins an epoch: it stays readable across aggregations. Default: now. Answers the epoch.
   * @throws DaosError DER_EXIST, DER_EP_OLD before the last aggregation.
   */
  createSnapshot(epoch: Epoch = 0n): Promise<Epoch> {
    return this.#run('vosCreateSnapshot', asBigint, (command) => command.u64(epoch));
  }

  /** @throws DaosError DER_NONEXIST. */
  deleteSnapshot(epoch: Epoch): Promise<void> {
    return this.#run('vosDeleteSnapshot', asNothing, (command) => command.u64(epoch));
  }

  /** Pinned epochs, ascending. */
  snapshots(): Promise<Epoch[]> {
    return this.#run('vosListSnapshots', asEpochs);
  }

  /**
   * Drops what neither a snapshot nor a read at `upTo` (default: now) sees, and merges small
   * extents. Writes up to there, and reads before but at snapshots, are refused from now on
   * (DER_EP_OLD). Other operations go on meanwhile.
   * @throws DaosError DER_BUSY while another aggregation or discard is under way.
   */
  aggregate(upTo: Epoch = 0n): Promise<VosReduction> {
    return this.#run('vosAggregate', asReduction, (command) => command.u64(upTo));
  }

  /**
   * Drops what was written and punched from `low` to `high`, as if it had never been.
   * @throws DaosError DER_EP_OLD where that was aggregated already, DER_BUSY.
   */
  discard(low: Epoch, high: Epoch = EPOCH_MAX): Promise<VosReduction> {
    return this.#run('vosDiscard', asReduction, (command) => command.u64(low).u64(high));
  }

  usage(): Promise<VosUsage> {
    return this.#run('vosUsage', asUsage);
  }

  close(): Promise<void> {
    return this.#run('vosCloseContainer', asNothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run<T>(
    name: VosFunction,
    decode: Decode<T>,
    write?: (command: CommandWriter) => CommandWriter,
  ): Promise<T> {
    const { operations, binding } = this.addon;
    const command = operations.command.begin();
    write?.(command);
    return operations.run(binding[name], this.handle, decode);
  }
}
