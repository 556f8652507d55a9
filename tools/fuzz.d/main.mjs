// The driver behind tools/fuzz. Inputs that reached new code stay in build/fuzz/corpus; an input
// that broke something lies in build/fuzz/crashes and makes a regression test.
import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSession } from '../test.d/session.mjs';
import { minutes, seconds, SetUpError } from '../test.d/steps.mjs';
import { describe, single } from '../test.d/tally.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const build = join(root, 'build/fuzz');
const CLANG_VERSIONS = [21, 20, 19, 18, 17, 16];

/** The newest clang++ of the versions we know. SetUpError when there is none. */
function findClang() {
  const directories = (process.env.PATH ?? '').split(delimiter);
  for (const name of CLANG_VERSIONS.map((version) => `clang++-${version}`)) {
    for (const path of directories.map((directory) => join(directory, name))) {
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  throw new SetUpError('fuzzers need clang++ 16 or newer: run tools/deps');
}

/** The folder below native/ whose CMakeLists.txt builds what is in `directory`. */
function moduleOf(directory) {
  const isModule = existsSync(join(root, directory, 'CMakeLists.txt'));
  return isModule ? relative('native', directory) : moduleOf(dirname(directory));
}

function fuzzersOf(directory) {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return fuzzersOf(path);
    if (!entry.name.endsWith('_fuzz.cc')) return [];
    const name = basename(entry.name, '.cc');
    return [{ name, program: join(build, moduleOf(directory), name) }];
  });
}

/** With a seed: from nothing, so that it can be repeated; else on from what earlier runs kept. */
async function runFuzzer(steps, { name, program }, durationSeconds, seed) {
  const corpus = join(build, 'corpus', name);
  const crashes = join(build, 'crashes');
  mkdirSync(corpus, { recursive: true });
  mkdirSync(crashes, { recursive: true });
  const begin = seed === undefined ? corpus : `-seed=${seed}`;
  const command = [program, begin, `-artifact_prefix=${crashes}/${name}-`];
  command.push(`-max_total_time=${durationSeconds}`, '-timeout=10', '-print_final_stats=1');
  const start = Date.now();
  const timeoutMs = durationSeconds * 1000 + minutes(2);
  const { ok, how, output, log } = await steps.run(name, command, { timeoutMs });
  const count = Number(/number_of_executed_units: *(\d+)/.exec(output)?.[1] ?? 0);
  const tally =
    ok && count === 0
      ? single(`fuzz ${name}`, false, 'tried no input')
      : single(`fuzz ${name}`, ok, `${how}, see ${log}`);
  const inputs = `${count.toLocaleString('en-US')} inputs`;
  console.log(`fuzz ${name} ... ${inputs}, ${describe(tally)} (${seconds(start)})`);
  return tally;
}

/** As many at a time as there are cores. */
async function runAll(steps, fuzzers, durationSeconds, seed) {
  const pending = [...fuzzers];
  const tallies = [];
  async function work() {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      tallies.push(await runFuzzer(steps, next, durationSeconds, seed));
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return tallies;
}

/** The number given, or the end of the program. */
function positive(text, what) {
  const number = Number(text);
  if (number > 0) return number;
  console.error(`tools/fuzz: '${text}' is no ${what}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({ options: { seed: { type: 'string' } }, allowPositionals: true });
  } catch (error) {
    console.error(`tools/fuzz: ${error.message}`);
    console.error('Usage: tools/fuzz [--seed N] [SECONDS] [NAME]...');
    process.exit(2);
  }
}

const { values, positionals } = parse();
const [first, ...names] = positionals;
const durationSeconds = positive(first ?? '10', 'number of seconds');
const seed = values.seed === undefined ? undefined : positive(values.seed, 'seed');
const fuzzers = fuzzersOf('native').filter(
  ({ name }) => names.length === 0 || names.includes(name),
);
if (fuzzers.length === 0) {
  console.error(`tools/fuzz: no fuzzer ${names.join(', ')}`);
  process.exit(2);
}

await runSession(root, join(root, 'build/fuzz-logs'), async (steps, tallies) => {
  const compilers = [`-DCMAKE_CXX_COMPILER=${findClang()}`];
  compilers.push(`-DCMAKE_C_COMPILER=${findClang().replace('clang++', 'clang')}`);
  const switches = ['-DDAOS_FUZZ=ON', '-DDAOS_SANITIZE=address,undefined'];
  switches.push('-DDAOS_BUILD_TESTS=OFF', '-DDAOS_BUILD_BENCHES=OFF');
  const configure = ['cmake', '-S', 'native', '-B', build, '-G', 'Ninja'];
  await steps.setUp('configure', [...configure, ...compilers, ...switches], minutes(5));
  const targets = fuzzers.map(({ name }) => name);
  const jobs = String(availableParallelism());
  const command = ['cmake', '--build', build, '--parallel', jobs, '--target', ...targets];
  await steps.setUp('build', command, minutes(30));
  tallies.push(...(await runAll(steps, fuzzers, durationSeconds, seed)));
});
