// A lock on a file that ends with its holder, however that ends.
//
// The kernel's lock belongs to an open file, which the holder keeps open; the system's flock
// program only asks for it on our behalf, on a descriptor it shares with us, since Node has no call
// for that. A crashed holder leaves no stale lock.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, ftruncateSync, writeSync } from 'node:fs';
import { DaosError } from '@daos/model';

/** Exit status of flock when somebody else holds the lock. */
const HELD_BY_OTHER = 1;

export class FileLock implements Disposable {
  readonly #descriptor: number;

  /** DER_BUSY names the process that holds it. `thing` is for messages. */
  static acquire(path: string, thing: string): FileLock {
    const descriptor = openSync(path, 'a+');
    try {
      const { status, error } = spawnSync('flock', ['--nonblock', '3'], {
        stdio: ['ignore', 'ignore', 'ignore', descriptor],
      });
      if (error) throw new DaosError('DER_NOSYS', `cannot lock ${path}: ${error.message}`);
      if (status === HELD_BY_OTHER) {
        const holder = readFileSync(path, 'utf8').trim() || 'unknown';
        const message = `${thing} is in use by process ${holder}`;
        throw new DaosError('DER_BUSY', message, { action: 'stop that process, or wait for it' });
      }
      if (status !== 0)
        throw new DaosError('DER_IO', `cannot lock ${path}: flock ended with ${status}`);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    ftruncateSync(descriptor);
    writeSync(descriptor, `${process.pid}\n`);
    return new FileLock(descriptor);
  }

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
