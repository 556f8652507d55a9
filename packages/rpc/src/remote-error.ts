// Errors that travel with details.
import { DaosError, type DaosErrorCode } from '@daos/model';

/**
 * An error with something a program can read besides its code. Thrown by a handler, it arrives at
 * the caller with the same code, message and details; a plain DaosError arrives without details,
 * and any other error as DER_MISC with its message.
 */
export class RemoteError extends DaosError {
  /** What MessagePack can carry; not checked, for it comes from a peer. */
  readonly details: unknown;

  constructor(code: DaosErrorCode, message: string, details: unknown) {
    super(code, message);
    this.details = details;
  }
}
