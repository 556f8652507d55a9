// What a server of a test imports first so that a step takes its time: commands of the methods that
// `?methods=` names reach engines `?ms=` later.

import { setTimeout } from 'node:timers/promises';
import { EngineCommands } from './system/engine-commands.js';

const { searchParams } = new URL(import.meta.url);
const slowed = searchParams.get('methods')?.split(',');
const delayMs = Number(searchParams.get('ms'));

if (slowed) {
  const { run } = EngineCommands.prototype;
  EngineCommands.prototype.run = async function (command) {
    if (slowed.includes(command.method)) await setTimeout(delayMs);
    return await run.call(this, command);
  };
}
