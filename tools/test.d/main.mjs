// The driver behind tools/test: set-up steps, then checks, a line each, then the sum.
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tallyOfJest } from './jest-results.mjs';
import { buildNative, checkNative } from './native.mjs';
import { runSession } from './session.mjs';
import { minutes } from './steps.mjs';
import { emptyTally, single } from './tally.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const logDirectory = join(root, 'build/test-logs');
const nativeBuild = { directory: join(root, 'build/native') };
const PARTS = ['native', 'typescript', 'tidy', 'quickstart', 'fuzz', 'planted', 'guards'];

const tool = (name) => join(root, 'tools', name);

async function checkTypescript(steps) {
  const report = join(logDirectory, 'jest.json');
  rmSync(report, { force: true });
  const command = ['node', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  command.push('node_modules/jest/bin/jest.js', '--json', `--outputFile=${report}`);
  return steps.check('typescript (jest)', async () => {
    const { ok, how } = await steps.run('jest', command, { timeoutMs: minutes(15) });
    if (!existsSync(report)) return single('jest', false, how);
    const tally = tallyOfJest(JSON.parse(readFileSync(report, 'utf8')), root);
    if (!ok && tally.failed.length === 0) tally.failed.push(`jest: ${how} after its tests`);
    return tally;
  });
}

async function checkTidy(steps) {
  return steps.check('tidy', async () => {
    const { how, output } = await steps.run('tidy', [tool('tidy'), '--json']);
    try {
      return tallyOfTidy(JSON.parse(output));
    } catch {
      return single('tidy', false, how);
    }
  });
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
    const restCount = findings.length - named.length;
    const rest = restCount > 0 ? `\n    … and ${restCount} more: tools/tidy ${rule}` : '';
    tally.failed.push(`tidy ${rule}${named.join('')}${rest}`);
  }
  if (rules.length === 0) tally.failed.push('tidy: no rule ran');
  return tally;
}

/** A port that nothing listened at a moment ago. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}

/**
 * Stores a small directory of this checkout and reads it back; then takes everything down. In a
 * home and at a port of its own: a quick start that somebody uses goes on undisturbed.
 */
async function checkQuickstart(steps) {
  const home = ['--home', join(root, 'build/test-quickstart')];
  const small = [join(root, 'native/base'), '--port', await freePort()];
  const run = [tool('quickstart'), ...small, ...home];
  const stop = [tool('quickstart'), '--stop', ...home];
  return [
    await steps.checkCommand('quickstart', run, minutes(15)),
    await steps.checkCommand('quickstart --stop', stop, minutes(1)),
  ];
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

const wanted = partsWanted(process.argv.slice(2));
const needsPackages = ['typescript', 'quickstart', 'guards'].some((part) => wanted.has(part));
const needsNative = needsPackages || wanted.has('native');

await runSession(root, logDirectory, async (steps, tallies) => {
  // The addons, part of the native build, take the headers of Node from a package.
  if (needsNative) {
    await steps.setUp('install packages', ['pnpm', 'install', '--frozen-lockfile'], minutes(10));
  }
  if (wanted.has('tidy')) {
    const isUpToDate = [tool('generate'), '--check'];
    tallies.push(await steps.checkCommand('generate --check', isUpToDate, minutes(1)));
    tallies.push(await checkTidy(steps));
  }
  if (needsNative) await buildNative(steps, nativeBuild);
  if (needsPackages) await steps.setUp('build packages', ['pnpm', 'run', 'build'], minutes(10));
  if (wanted.has('native')) tallies.push(...(await checkNative(steps, nativeBuild)));
  if (wanted.has('typescript')) tallies.push(await checkTypescript(steps));
  if (wanted.has('quickstart')) tallies.push(...(await checkQuickstart(steps)));
  // A few seconds each, with the sanitizers: enough to see that a parser that was changed still
  // withstands what is thrown at it. The inputs are the same in each run: looking for new ones is
  // for longer runs.
  if (wanted.has('fuzz')) {
    const fuzz = [tool('fuzz'), '--seed', '1', '5'];
    tallies.push(await steps.checkCommand('fuzz', fuzz, minutes(40)));
  }
  // Bugs on purpose, in a build of their own: the simulator must find each.
  if (wanted.has('planted')) {
    const planted = [tool('simulate'), '--planted'];
    tallies.push(await steps.checkCommand('simulate --planted', planted, minutes(40)));
  }
  // A few at a time, others with each commit; all of them by tools/plant.
  if (wanted.has('guards')) {
    const plant = [tool('plant'), '--few', '5'];
    tallies.push(await steps.checkCommand('plant --few 5', plant, minutes(15)));
  }
});
