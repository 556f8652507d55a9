// The whole path through @daos/client: an engine on one core, Node and the client's thread on the
// other, beside the C++ client's figure for the same case in the same run.
//
// Names: node/{tcp,shm}/{sv64,array4k}-{update,fetch}/qd{1,16,64}/{rate,p50,p99}, and
// node/{tcp,shm}/array4k-fetch/qd64-workers{1,2}/{rate,p50,p99}: threads on all cores but the
// first, which is the engine's.
// Flags: --json, --only PREFIX, --seconds S, as native/bench/report.h has them.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEngineProcess } from './engine-process.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const nativeBench = join(here, '../../../build/native/system/object_bench');
const CASES = ['sv64-update', 'sv64-fetch', 'array4k-update', 'array4k-fetch'];
const DEPTHS = [1, 16, 64];
const WORKER_COUNTS = [1, 2];
const KINDS = ['rate', 'p50', 'p99'];
const UNITS = { rate: 'ops/s', p50: 'us', p99: 'us' };

function fail(text) {
  process.stderr.write(`node-bench: ${text}\n`);
  process.exit(2);
}

function parseFlags(flags) {
  const parsed = { only: '', seconds: 3 };
  for (let i = 0; i < flags.length; i += 1) {
    const value = flags[i + 1];
    if (flags[i] === '--json') continue;
    if (flags[i] === '--only' && value !== undefined) parsed.only = value;
    else if (flags[i] === '--seconds' && Number(value) > 0) parsed.seconds = Number(value);
    else fail(`bad flag '${flags[i]}'; flags: --json, --only PREFIX, --seconds S (over 0)`);
    i += 1;
  }
  return parsed;
}

/** True when a case, or a metric under it, was asked for. */
const wants = (name, only) => name.startsWith(only) || only.startsWith(`${name}/`);

/** What the C++ client does in the same case, by kind; nothing where it isn't built. */
function referenceOf(name, seconds) {
  if (!existsSync(nativeBench)) return {};
  const prefix = name.replace(/^node/, 'object');
  const flags = ['--json', '--only', `${prefix}/`, '--seconds', String(seconds)];
  const { status, stdout } = spawnSync(nativeBench, flags, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) return {};
  const { metrics } = JSON.parse(stdout);
  return Object.fromEntries(metrics.map((metric) => [metric.name.split('/').at(-1), metric.value]));
}

/** Runs one case in a Node process of its own: on the last core; workers on all but the first. */
function runCase(engine, description) {
  const program = ['node', join(here, 'case.mjs'), JSON.stringify({ ...engine, ...description })];
  const last = availableParallelism() - 1;
  const cores = description.workers === undefined ? String(last) : `${Math.min(1, last)}-${last}`;
  const command = existsSync('/usr/bin/taskset') ? ['taskset', '-c', cores, ...program] : program;
  const { status, stdout, signal } = spawnSync(command[0], command.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) fail(`${description.name}: ${signal ?? `exit code ${status}`}`);
  return JSON.parse(stdout);
}

/** A store of its own for each case: versions of overwritten values pile up. */
async function measure(name, description) {
  const { transport, seconds } = description;
  const reference = referenceOf(name.replace(/-workers.*/, ''), seconds);
  const engine = await startEngineProcess(transport);
  try {
    const values = runCase(engine.description, description);
    return KINDS.map((kind) => {
      const beside = reference[kind] ?? null;
      const ratio = beside === null ? null : values[kind] / beside;
      const value = values[kind];
      return { name: `${name}/${kind}`, value, unit: UNITS[kind], reference: beside, ratio };
    });
  } finally {
    await engine.stop();
  }
}

/** Every case by its name. */
function casesOf(seconds) {
  const cases = new Map();
  for (const transport of ['tcp', 'shm']) {
    for (const test of CASES) {
      for (const depth of DEPTHS) {
        cases.set(`node/${transport}/${test}/qd${depth}`, { transport, test, depth, seconds });
      }
    }
    for (const workers of WORKER_COUNTS) {
      const description = { transport, test: 'array4k-fetch', depth: 64, seconds, workers };
      cases.set(`node/${transport}/array4k-fetch/qd64-workers${workers}`, description);
    }
  }
  return cases;
}

const { only, seconds } = parseFlags(process.argv.slice(2));
const metrics = [];
for (const [name, description] of casesOf(seconds)) {
  if (wants(name, only)) metrics.push(...(await measure(name, description)));
}
const wanted = metrics.filter(({ name }) => name.startsWith(only));
console.log(JSON.stringify({ metrics: wanted }));
process.exitCode = wanted.length > 0 ? 0 : 1;
