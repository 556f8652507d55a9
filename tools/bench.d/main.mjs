// The driver behind tools/bench: builds what a benchmark lacks, runs its programs one after another
// and prints all their metrics together. Only the result goes to standard output.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nativeTargetOf, programsOf, SETTINGS } from './benches.mjs';
import { parseFlags, USAGE } from './flags.mjs';
import { documentedNames, formatTable, parseMetrics } from './metrics.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const build = join(root, 'build/native');
const say = (text) => process.stderr.write(`bench: ${text}\n`);

function fail(text) {
  say(text);
  process.exit(2);
}

/** Runs a command whose output is for whoever watches; ends the program when it fails. */
function runOrFail(command) {
  const { status, error } = spawnSync(command[0], command.slice(1), {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail(`${command.join(' ')}: ${error?.message ?? `exit code ${status}`}`);
}

function buildPrograms(programs) {
  const targets = programs
    .filter(({ isNative }) => isNative)
    .map(({ source }) => nativeTargetOf(source).target);
  // What Node programs load lies in every package's dist and in the addons.
  const needsPackages = programs.some(({ isNative }) => !isNative);
  if (!existsSync(join(build, 'build.ninja'))) {
    runOrFail(['cmake', '-S', 'native', '-B', build, '-G', 'Ninja']);
  }
  const jobs = ['--parallel', String(availableParallelism())];
  if (needsPackages) {
    runOrFail(['cmake', '--build', build, ...jobs]);
    runOrFail(['pnpm', 'run', 'build']);
  } else {
    runOrFail(['cmake', '--build', build, ...jobs, '--target', ...targets]);
  }
}

/** The metrics of one program, and whether it ended well. */
function run({ name, source, isNative }, flags) {
  const { environment = {}, isPinned = false } = SETTINGS[name] ?? {};
  const program = isNative
    ? [join(build, nativeTargetOf(source).program)]
    : ['node', join(root, source)];
  const lastCore = String(availableParallelism() - 1);
  const pinned = isPinned && existsSync('/usr/bin/taskset') ? ['taskset', '-c', lastCore] : [];
  const command = [...pinned, ...program, '--json', ...flags];
  const { status, signal, stdout, error } = spawnSync(command[0], command.slice(1), {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  let metrics = [];
  try {
    metrics = parseMetrics(stdout ?? '');
  } catch (problem) {
    say(`${source}: ${problem.message}`);
  }
  // A part may be asked for that only one of several programs measures.
  const isUnwanted = status === 1 && metrics.length === 0 && flags.includes('--only');
  if (status !== 0 && !isUnwanted)
    say(`${source}: ${error?.message ?? signal ?? `exit code ${status}`}`);
  return { metrics, ok: status === 0 || isUnwanted };
}

const { error, isHelp, name, isJson, isList, passed } = parseFlags(process.argv.slice(2));
if (error !== undefined) fail(error);
if (isHelp) {
  console.log(USAGE);
  process.exit(0);
}
const all = programsOf(root);
const names = [...new Set(all.map((each) => each.name))].sort();
if (isList) {
  console.log(names.join('\n'));
  process.exit(0);
}
const programs = all.filter((each) => each.name === name);
if (programs.length === 0) {
  const wrong = name === undefined ? 'give the name of a benchmark' : `no benchmark '${name}'`;
  fail(`${wrong}; there are: ${names.join(', ')}`);
}
buildPrograms(programs);
const results = programs.map((program) => run(program, passed));
const metrics = results.flatMap((result) => result.metrics);
const known = documentedNames(readFileSync(join(root, 'docs/performance.md'), 'utf8'));
for (const each of metrics) {
  if (!known.has(each.name)) say(`${each.name} is not listed in docs/performance.md`);
}
if (isJson) console.log(JSON.stringify({ metrics }));
else console.log(formatTable(metrics));
if (metrics.length === 0) say('nothing was measured');
process.exitCode = metrics.length > 0 && results.every(({ ok }) => ok) ? 0 : 1;
