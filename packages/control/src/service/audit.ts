// The audit log: every request to the control service with who made it, what it asked for and what
// came of it.
//
// One JSON object a line. When the file is full it becomes `<file>.1`, in place of an older one.

import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface AuditEntry {
  readonly time: string;
  /** Of the caller's certificate; absent without certificates. */
  readonly role?: string;
  /** Of the caller's credential. */
  readonly user?: string;
  readonly address: string;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly requestKey?: string;
}

const FILE_SIZE_MAX = 64 * 2 ** 20;

export class AuditLog {
  readonly #file: string;
  readonly #sizeMax: number;
  #descriptor: number;
  #size: number;

  constructor(file: string, sizeMax = FILE_SIZE_MAX) {
    this.#file = file;
    this.#sizeMax = sizeMax;
    this.#descriptor = openSync(file, 'a', 0o600);
    this.#size = fstatSync(this.#descriptor).size;
  }

  /**
   * Throws when the line cannot be written: what cannot be accounted for is the caller's to judge.
   */
  write(entry: AuditEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    if (this.#size > 0 && this.#size + line.byteLength > this.#sizeMax) this.#rotate();
    writeSync(this.#descriptor, line);
    this.#size += line.byteLength;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    renameSync(this.#file, `${this.#file}.1`);
    this.#descriptor = openSync(this.#file, 'a', 0o600);
    this.#size = 0;
  }
}
