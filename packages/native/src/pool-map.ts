// A pool's map for the core, which knows targets, not ranks.
import type { PoolMap } from '@daos/model';
import type { CommandWriter } from './command.js';

export function writePoolMap(command: CommandWriter, { version, ranks }: PoolMap): void {
  const targets = ranks.flatMap(({ rank, targets }) =>
    targets.map((target) => ({ rank, ...target })),
  );
  command.u32(version).u32(targets.length);
  for (const { rank, index, state, addresses } of targets) {
    command
      .u32(rank)
      .u32(index)
      .boolean(state === 'up')
      .u32(addresses.length);
    for (const { transport, address } of addresses) command.text(transport).text(address);
  }
}
