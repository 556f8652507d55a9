// What operations on objects have in common.
import type { Epoch, ObjectId } from '@daos/model';
import { conditionBits, type CommandWriter, type Condition, type Handle } from '@daos/native';
import type { ClientAddon } from './binding.js';

export interface OperationOptions {
  /** For reads: see what was visible at this epoch; default the newest. For writes: default now. */
  epoch?: Epoch;
  /** Deadline, retries included. Default: the client's. */
  timeoutMs?: number;
  /** What must or must not exist: else DER_NONEXIST or DER_EXIST, and nothing is changed. */
  conditions?: readonly Condition[];
  /**
   * Gives the operation up; the promise is rejected with the signal's reason once the memory it
   * borrowed is free again.
   */
  signal?: AbortSignal;
}

export interface ObjectTarget {
  addon: ClientAddon;
  container: Handle;
  oid: ObjectId;
  /** What is read when an operation names no epoch: 0 is the newest. */
  epoch: Epoch;
}

const NS_PER_MS = 1_000_000;

/** What every operation on an object begins with. */
export function beginOperation(
  { addon, oid, epoch: epochDefault }: ObjectTarget,
  { epoch = epochDefault, timeoutMs = 0, conditions }: OperationOptions,
  extraConditions = 0,
): CommandWriter {
  const command = addon.operations.command.begin().objectId(oid);
  return command
    .u64(epoch)
    .u64(Math.round(timeoutMs * NS_PER_MS))
    .u32(conditionBits(conditions) | extraConditions);
}
