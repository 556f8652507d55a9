// The driver behind tools/plant: each fault in turn, and whether its test fails of it.
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seconds } from '../test.d/steps.mjs';
import { chooseFaults, verdictOf } from './choose-faults.mjs';
import { GUARD_FAULTS } from './guards.mjs';
import { runGtest, runJest } from './run-tests.mjs';
import { targetOf, TreeCopy } from './tree-copy.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

function usageError(message) {
  console.error(`tools/plant: ${message}; usage: tools/plant [--list] [--few N] [NAME]...`);
  process.exit(2);
}

function wantedFaults() {
  const options = { list: { type: 'boolean' }, few: { type: 'string' } };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.list) {
      for (const { name, file } of GUARD_FAULTS) console.log(`${name}  ${file}`);
      process.exit(0);
    }
    const few = values.few === undefined ? undefined : Number(values.few);
    return chooseFaults(GUARD_FAULTS, positionals, few, commitCount);
  } catch (error) {
    return usageError(error.message);
  }
}

/** Of this checkout: with each commit it is the turn of others. */
function commitCount() {
  try {
    return Number(execFileSync('git', ['-C', root, 'rev-list', '--count', 'HEAD']));
  } catch {
    return Math.floor(Date.now() / 86_400_000);
  }
}

const run = (fault, program) =>
  fault.test === undefined
    ? runGtest(copy.directory, program, fault)
    : runJest(copy.directory, fault);

/** A test that fails without any fault proves nothing about one. By test. */
const sound = new Map();
async function isSound(fault) {
  const key = JSON.stringify([fault.test ?? fault.engine, fault.only]);
  if (!sound.has(key)) {
    const program = join(root, 'build/native', fault.engine ?? '');
    const { passedCount, failedCount, reason } = await run(fault, program);
    const isPassed = passedCount > 0 && failedCount === 0;
    sound.set(key, isPassed ? undefined : `without the fault: ${reason}`);
  }
  return sound.get(key);
}

async function judge(fault) {
  const failing = await isSound(fault);
  if (failing !== undefined) return { isFound: false, text: failing };
  try {
    const program = copy.plant(fault);
    return verdictOf(fault, await run(fault, program));
  } catch (error) {
    return { isFound: false, text: `${error.message}\n${error.stderr ?? ''}` };
  } finally {
    copy.pull();
  }
}

const faults = wantedFaults();
const targets = [...new Set(faults.map(({ engine }) => engine))].flatMap((engine) =>
  engine === undefined ? [] : [targetOf(engine)],
);
if (targets.length > 0) {
  const build = ['--build', join(root, 'build/native'), '--target', ...targets];
  execFileSync('cmake', build, { stdio: ['ignore', 'ignore', 'inherit'] });
}
const copy = new TreeCopy(root, join(root, 'build/plant'));
let missedCount = 0;
for (const fault of faults) {
  const start = Date.now();
  const { isFound, text } = await judge(fault);
  if (!isFound) missedCount += 1;
  console.log(`${isFound ? 'found ' : 'MISSED'} ${fault.name} (${seconds(start)}): ${text}`);
}
console.log(`${faults.length - missedCount} passed, ${missedCount} failed`);
process.exitCode = missedCount > 0 ? 1 : 0;
