// The driver behind tools/test: set-up steps, then checks, a line each, then the sum.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programsOf, runTestProgram } from './gtest.mjs';
import { tallyOfJest } from './jest-results.mjs';
import { runProcess } from './process.mjs';
import { describe, emptyTally, single, sum } from './tally.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const logDirectory = join(root, 'build/test-logs');
const nativeBuild = join(root, 'build/native');
const PARTS = ['native', 'typescript', 'tidy', 'quickstart'];

const minutes = (count) => count * 60_000;
const tool = (name) => join(root, 'tools', name);

/** Runs a command that everything after it needs; throws, naming the log, when it fails. */
async function setUp(name, command, timeoutMs) {
  const log = join(logDirectory, `${name.replaceAll(' ', '-')}.log`);
  const start = Date.now();
  process.stdout.write(`set-up: ${name} ... `);
  const { ok, how, output } = await runProcess(command, { cwd: root, log, timeoutMs });
  process.stdout.write(`${ok ? 'done' : how} (${seconds(start)})\n`);
  if (ok) return;
  process.stdout.write(`${output.split('\n').slice(-30).join('\n')}\n`);
  throw new SetUpError(`set-up: ${name}: ${how}, see ${log}`);
}

class SetUpError extends Error {}

const seconds = (start) => `${((Date.now() - start) / 1000).toFixed(1)} s`;

/** Runs one check, prints its line and returns its tally. */
async function check(name, run) {
  const start = Date.now();
  process.stdout.write(`${name} ... `);
  const tally = await run();
  process.stdout.write(`${describe(tally)} (${seconds(start)})\n`);
  return tally;
}

async function buildNative() {
  const configure = ['cmake', '-S', 'native', '-B', nativeBuild, '-G', 'Ninja'];
  await setUp('configure native', [...configure, '-DCMAKE_BUILD_TYPE=RelWithDebInfo'], minutes(5));
  const jobs = String(availableParallelism());
  await setUp('build native', ['cmake', '--build', nativeBuild, '--parallel', jobs], minutes(40));
}

async function checkNative() {
  const list = ['ctest', '--test-dir', nativeBuild, '--show-only=json-v1'];
  const log = join(logDirectory, 'ctest.log');
  const { ok, how, output } = await runProcess(list, { cwd: root, log });
  if (!ok) return [single('ctest --show-only', false, how)];
  const programs = programsOf(output);
  if (programs.length === 0) return [single('native', false, 'ctest knows no test')];
  const tallies = [];
  for (const program of programs) {
    tallies.push(
      await check(`native ${program.name}`, () => runTestProgram(program, logDirectory)),
    );
  }
  return tallies;
}

async function checkTypescript() {
  const report = join(logDirectory, 'jest.json');
  rmSync(report, { force: true });
  const command = ['node', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  command.push('node_modules/jest/bin/jest.js', '--json', `--outputFile=${report}`);
  const options = { cwd: root, log: join(logDirectory, 'jest.log'), timeoutMs: minutes(15) };
  const run = async () => {
    const { ok, how } = await runProcess(command, options);
    if (!existsSync(report)) return single('jest', false, how);
    const tally = tallyOfJest(JSON.parse(readFileSync(report, 'utf8')), root);
    if (!ok && tally.failed.length === 0) tally.failed.push(`jest: ${how} after its tests`);
    return tally;
  };
  return [await check('typescript (jest)', run)];
}

/** A check that is one command. */
async function checkCommand(name, command, timeoutMs) {
  const log = join(logDirectory, `${name.replaceAll(/[^\w-]+/g, '-')}.log`);
  return check(name, async () => {
    const { ok, how, output } = await runProcess(command, { cwd: root, log, timeoutMs });
    if (!ok) process.stdout.write(`\n${output.split('\n').slice(-30).join('\n')}\n`);
    return single(name, ok, how);
  });
}

async function checkTidy() {
  const upToDate = await checkCommand(
    'generate --check',
    [tool('generate'), '--check'],
    minutes(1),
  );
  const tidy = await check('tidy', async () => {
    const log = join(logDirectory, 'tidy.log');
    const command = [tool('tidy'), '--json'];
    const { how, output } = await runProcess(command, { cwd: root, log, timeoutMs: minutes(2) });
    try {
      return tallyOfTidy(JSON.parse(output));
    } catch {
      return single('tidy', false, how);
    }
  });
  return [upToDate, tidy];
}

/** One check a rule; the first findings of a rule that failed are named. */
function tallyOfTidy({ rules }) {
  const tally = emptyTally();
  for (const { rule, findings } of rules) {
    if (findings.length === 0) {
      tally.passedCount += 1;
      continue;
    }
    const named = findings.slice(0, 5).map(({ file, line, text }) => {
      const place = line === undefined ? file : `${file}:${line}`;
      return `\n    ${place}: ${text}`;
    });
    const rest =
      findings.length > 5 ? `\n    … and ${findings.length - 5} more: tools/tidy ${rule}` : '';
    tally.failed.push(`tidy ${rule}${named.join('')}${rest}`);
  }
  if (rules.length === 0) tally.failed.push('tidy: no rule ran');
  return tally;
}

async function checkQuickstart() {
  if (!existsSync(tool('quickstart'))) {
    return [{ ...emptyTally(), skipped: ['quickstart (tools/quickstart does not exist)'] }];
  }
  const small = join(root, 'native/base');
  const run = await checkCommand('quickstart', [tool('quickstart'), small], minutes(15));
  const stop = await checkCommand('quickstart --stop', [tool('quickstart'), '--stop'], minutes(1));
  return [run, stop];
}

/** The parts to run: all, or those after --only. Ends the program on a bad flag. */
function partsWanted(flags) {
  const wanted = [];
  for (let i = 0; i < flags.length; i += 2) {
    const parts = flags[i] === '--only' ? (flags[i + 1] ?? '').split(',') : [];
    if (parts.length === 0 || !parts.every((part) => PARTS.includes(part))) {
      const bad = flags.slice(i).join(' ');
      console.error(`tools/test: bad flag '${bad}'; usage: --only ${PARTS.join('|')}`);
      process.exit(2);
    }
    wanted.push(...parts);
  }
  return new Set(wanted.length > 0 ? wanted : PARTS);
}

/** Adds to `tallies` as it goes, so that what ran counts even when a later set-up step fails. */
async function runAll(wanted, tallies) {
  const needsPackages = wanted.has('typescript') || wanted.has('quickstart');
  if (needsPackages) {
    await setUp('install packages', ['pnpm', 'install', '--frozen-lockfile'], minutes(10));
  }
  if (wanted.has('tidy')) tallies.push(...(await checkTidy()));
  if (wanted.has('native') || needsPackages) await buildNative();
  if (needsPackages) await setUp('build packages', ['pnpm', 'run', 'build'], minutes(10));
  if (wanted.has('native')) tallies.push(...(await checkNative()));
  if (wanted.has('typescript')) tallies.push(...(await checkTypescript()));
  if (wanted.has('quickstart')) tallies.push(...(await checkQuickstart()));
}

const wanted = partsWanted(process.argv.slice(2));
rmSync(logDirectory, { recursive: true, force: true });
mkdirSync(logDirectory, { recursive: true });
const start = Date.now();
const tallies = [];
try {
  await runAll(wanted, tallies);
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  tallies.push(single(error.message, false));
}
const total = sum(tallies);
console.log(`\nall of it took ${seconds(start)}; logs: ${logDirectory}`);
if (total.skipped.length > 0) console.log(`skipped:\n  ${total.skipped.join('\n  ')}`);
if (total.failed.length > 0) console.log(`failed:\n  ${total.failed.join('\n  ')}`);
console.log(describe(total));
process.exitCode = total.failed.length > 0 || total.passedCount === 0 ? 1 : 0;
