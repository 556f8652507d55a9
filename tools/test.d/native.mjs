// Builds native/ and runs its test programs; tools/test and tools/check share this.
import { availableParallelism } from 'node:os';
import { programsOf, runTestProgram } from './gtest.mjs';
import { minutes } from './steps.mjs';
import { single } from './tally.mjs';

/** Configures and builds. `flags` go to CMake; `label` tells several builds apart. */
export async function buildNative(steps, { directory, flags = [], label = 'native' }) {
  const configure = ['cmake', '-S', 'native', '-B', directory, '-G', 'Ninja'];
  const type = '-DCMAKE_BUILD_TYPE=RelWithDebInfo';
  await steps.setUp(`configure ${label}`, [...configure, type, ...flags], minutes(5));
  const jobs = String(availableParallelism());
  const build = ['cmake', '--build', directory, '--parallel', jobs];
  await steps.setUp(`build ${label}`, build, minutes(40));
}

/** Runs every test program of a build; resolves to their tallies. */
export async function checkNative(steps, { directory, environment = {}, label = 'native' }) {
  const list = ['ctest', '--test-dir', directory, '--show-only=json-v1'];
  const { ok, how, output } = await steps.run(`${label} ctest`, list);
  if (!ok) return [single(`${label}: ctest --show-only`, false, how)];
  const programs = programsOf(output);
  if (programs.length === 0) return [single(label, false, 'ctest knows no test')];
  const tallies = [];
  for (const program of programs) {
    const adapted = { ...program, environment: { ...environment, ...program.environment } };
    const run = () => runTestProgram(adapted, steps.logDirectory);
    tallies.push(await steps.check(`${label} ${program.name}`, run));
  }
  return tallies;
}
