// Builds native/ and runs its test programs; tools/test and tools/check share this.
import { availableParallelism } from 'node:os';
import { programsOf, runShard, shardsOf, tallyOfShards } from './gtest.mjs';
import { minutes, seconds } from './steps.mjs';
import { describe, single } from './tally.mjs';

/**
 * Configures and builds. `flags` go to CMake; `label` tells several builds apart; without a
 * `target` everything is built.
 */
export async function buildNative(steps, { directory, flags = [], label = 'native', target }) {
  const configure = ['cmake', '-S', 'native', '-B', directory, '-G', 'Ninja'];
  const type = '-DCMAKE_BUILD_TYPE=RelWithDebInfo';
  await steps.setUp(`configure ${label}`, [...configure, type, ...flags], minutes(5));
  const jobs = String(availableParallelism());
  const build = ['cmake', '--build', directory, '--parallel', jobs];
  if (target !== undefined) build.push('--target', target);
  await steps.setUp(`build ${label}`, build, minutes(40));
}

/**
 * Runs every test program of a build, as many at a time as there are cores, long ones first and in
 * shards; resolves to their tallies. With `only` it is the one program of that name.
 */
export async function checkNative(steps, { directory, environment = {}, label = 'native', only }) {
  const list = ['ctest', '--test-dir', directory, '--show-only=json-v1'];
  const { ok, how, output } = await steps.run(`${label} ctest`, list);
  if (!ok) return [single(`${label}: ctest --show-only`, false, how)];
  const programs = programsOf(output).filter(({ name }) => only === undefined || name === only);
  if (programs.length === 0) return [single(label, false, 'ctest knows no test')];
  const coreCount = availableParallelism();
  const pending = programs.flatMap((program) => {
    const adapted = { ...program, environment: { ...environment, ...program.environment } };
    const shards = shardsOf(adapted, program.cost > 0 ? 3 * coreCount : 1);
    const state = { name: program.name, shardCount: shards.length, tallies: [], start: undefined };
    return shards.map((shard) => ({ shard, state }));
  });
  const tallies = [];
  async function work() {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const { shard, state } = next;
      state.start ??= Date.now();
      state.tallies.push(await runShard(shard, steps.logDirectory));
      if (state.tallies.length < state.shardCount) continue;
      const tally = tallyOfShards(state.name, state.tallies);
      tallies.push(tally);
      console.log(`${label} ${state.name} ... ${describe(tally)} (${seconds(state.start)})`);
    }
  }
  await Promise.all(Array.from({ length: coreCount }, work));
  return tallies;
}
