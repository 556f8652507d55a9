// The data directory of a server: whose it is, in which format, and where its parts lie.
//
// Invariant: one server at a time has it open.
// Format:    docs/format/data_directory.md, version 1.

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DaosError } from '@daos/model';
import * as z from 'zod';
import { FileLock } from './file-lock.js';

export { FileLock };

export const DATA_FORMAT_VERSION = 1;

const headerSchema = z.object({
  format: z.literal('daos-server'),
  version: z.int(),
  systemUuid: z.string(),
  systemName: z.string(),
});

/** What a running server tells those who look for it. */
export const runSchema = z.object({
  pid: z.int(),
  url: z.string(),
  startedMs: z.int(),
  /** Those that run at the moment. */
  engines: z.array(z.object({ rank: z.int(), pid: z.int() })),
});
export type RunDescription = z.infer<typeof runSchema>;

export class DataDirectory implements Disposable {
  readonly path: string;
  readonly systemUuid: string;
  readonly #lock: FileLock;

  /**
   * Formats the directory if it is new. DER_BUSY while another server has it, DER_DF_INCOMPT for
   * another format version, DER_MISMATCH for a directory of another system or with other contents;
   * none of these changes anything.
   */
  static open(path: string, systemName: string): DataDirectory {
    try {
      makeDirectory(path);
    } catch (error) {
      throw new DaosError(
        'DER_IO',
        `cannot make data directory ${path}: ${(error as Error).message}`,
      );
    }
    const lock = FileLock.acquire(join(path, 'server.lock'), `data directory ${path}`);
    try {
      return new DataDirectory(path, systemName, lock);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(path: string, systemName: string, lock: FileLock) {
    this.path = path;
    this.#lock = lock;
    const header = readHeader(path) ?? format(path, systemName);
    if (header.systemName !== systemName) {
      throw new DaosError(
        'DER_MISMATCH',
        `data directory ${path} belongs to system '${header.systemName}', not '${systemName}'`,
      );
    }
    this.systemUuid = header.systemUuid;
  }

  get controlPath(): string {
    return join(this.path, 'control');
  }

  get auditPath(): string {
    return join(this.path, 'audit.log');
  }

  enginePath(rank: number): string {
    return join(this.path, `engine${rank}`);
  }

  /**
   * DER_DF_INVAL when engines hold pools here that control metadata, which is kept here too, knows
   * nothing of since it is gone: going on would make a system without pools.
   */
  checkControlKept(): void {
    const file = join(this.controlPath, 'data.mdb');
    if (existsSync(file) && statSync(file).size > 0) return;
    for (const name of readdirSync(this.path)) {
      const pools = join(this.path, name, 'pools');
      if (!/^engine\d+$/.test(name) || !existsSync(pools) || readdirSync(pools).length === 0) {
        continue;
      }
      throw new DaosError('DER_DF_INVAL', `${file} is missing or empty, but ${pools} holds pools`, {
        action: `restore ${this.controlPath}; or remove ${pools} with all that is stored there`,
      });
    }
  }

  publishRun(run: RunDescription): void {
    writeDurably(join(this.path, 'run.json'), JSON.stringify(run));
  }

  [Symbol.dispose](): void {
    rmSync(join(this.path, 'run.json'), { force: true });
    this.#lock[Symbol.dispose]();
  }
}

/**
 * With its parents. Node's own `recursive` repeats for ever where the kernel has no such place, as
 * below /proc.
 */
function makeDirectory(path: string): void {
  const parent = dirname(path);
  if (!existsSync(parent)) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(path) || !statSync(path).isDirectory()) throw error;
  }
}

/**
 * The server that runs on a data directory, or undefined. A killed server leaves its description:
 * the caller checks the pid.
 */
export function readRun(path: string): RunDescription | undefined {
  try {
    return runSchema.parse(JSON.parse(readFileSync(join(path, 'run.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

function readHeader(path: string): z.infer<typeof headerSchema> | undefined {
  const file = join(path, 'format.json');
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new DaosError('DER_DF_INVAL', `${file} is damaged: ${(error as Error).message}`);
  }
  const header = headerSchema.safeParse(value);
  if (!header.success) throw new DaosError('DER_DF_INVAL', `${file} is not of a DAOS server`);
  if (header.data.version !== DATA_FORMAT_VERSION) {
    throw new DaosError(
      'DER_DF_INCOMPT',
      `data directory ${path} has format version ${header.data.version}; ` +
        `this program reads version ${DATA_FORMAT_VERSION}`,
    );
  }
  return header.data;
}

function format(path: string, systemName: string): z.infer<typeof headerSchema> {
  for (const part of ['control', 'engine0']) {
    if (existsSync(join(path, part))) {
      throw new DaosError('DER_MISMATCH', `${path} has a '${part}' but no format.json: not ours`);
    }
  }
  const header = {
    format: 'daos-server' as const,
    version: DATA_FORMAT_VERSION,
    systemUuid: randomUUID(),
    systemName,
  };
  writeDurably(join(path, 'format.json'), JSON.stringify(header));
  return header;
}

/** The file is there whole or not at all, also after a power cut. */
function writeDurably(file: string, text: string): void {
  const temporary = `${file}.new`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    writeSync(descriptor, `${text}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  const folder = openSync(join(file, '..'), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
