// Leaves a device open and does nothing more: the program must end by itself.
import { asNumber, loadAddon } from '../dist/index.js';

const { operations, binding } = loadAddon('engine');
operations.command
  .begin()
  .text('idle')
  .u64(1 << 20);
console.log(await operations.run(binding.mediaOpenMemory, 0, asNumber));
