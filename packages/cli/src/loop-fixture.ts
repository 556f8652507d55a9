// Block devices of the kernel's over files, for tests; there are none where the machine has no loop
// devices for us.
import { execFileSync, spawnSync } from 'node:child_process';

export interface LoopDevice {
  readonly device: string;
  /** Nobody has it open any more. */
  readonly detach: () => void;
}

/** `path`: a file of the device's size. */
export function attachLoop(path: string): LoopDevice | undefined {
  const { status, stdout } = spawnSync('losetup', ['--find', '--show', path], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const device = stdout.trim();
  return { device, detach: () => void execFileSync('losetup', ['--detach', device]) };
}
