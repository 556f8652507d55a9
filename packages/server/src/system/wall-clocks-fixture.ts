// Wall clocks of hosts of a test, each of which can be set while programs run by it
// (native/testing/wall_clock).
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARY = join(
  import.meta.dirname,
  '../../../../build/native/testing/wall_clock/libdaos_wall_clock.so',
);

export class WallClocks {
  readonly #directory: string;

  /** Which the files of the clocks lie in. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What makes a program go by the clock of that name: goes before its own. */
  commandOf(name: string): string[] {
    const library = this.#libraryOf(name);
    if (!existsSync(library)) {
      this.set(name, 0);
      copyFileSync(LIBRARY, library);
    }
    return ['env', `LD_PRELOAD=${library}`];
  }

  /** From now on, of all programs that go by it: ahead of the machine's by so much. */
  set(name: string, aheadMs: number): void {
    const file = `${this.#libraryOf(name)}.offset`;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(aheadMs / 1000));
    // In place: they have it mapped.
    writeFileSync(file, bytes, { flag: existsSync(file) ? 'r+' : 'w' });
  }

  #libraryOf(name: string): string {
    return join(this.#directory, `clock-${name}.so`);
  }
}
