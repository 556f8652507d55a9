// The driver behind tools/check: one build and one run of the native tests for each sanitizer, and
// of what is tested on SPDK where that is asked for.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative, checkNative } from '../test.d/native.mjs';
import { runSession } from '../test.d/session.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** What -fsanitize gets, and what the programs are told. A finding ends the program. */
const SANITIZERS = {
  address: {
    flag: 'address,undefined',
    environment: {
      ASAN_OPTIONS: 'abort_on_error=1:detect_stack_use_after_return=0:strict_string_checks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
  },
  thread: {
    flag: 'thread',
    environment: { TSAN_OPTIONS: 'halt_on_error=1' },
  },
};

/** Needs an SPDK (docs/spdk.md), so only who names it gets it. */
const SPDK = 'spdk';
/** Its programs, and of which of their tests it is. */
const SPDK_PROGRAMS = [
  { target: 'bio_spdk_test', only: 'bio_spdk' },
  { target: 'system_test', only: 'system', filter: '*OnSpdk*' },
];

async function checkSpdk(steps) {
  const build = { directory: join(root, 'build/check-spdk'), label: SPDK };
  const flags = ['-DDAOS_WITH_SPDK=ON', '-DDAOS_BUILD_BENCHES=OFF'];
  const tallies = [];
  for (const { target, only, filter } of SPDK_PROGRAMS) {
    await buildNative(steps, { ...build, flags, target });
    const environment = filter === undefined ? {} : { GTEST_FILTER: filter };
    tallies.push(...(await checkNative(steps, { ...build, only, environment })));
  }
  return tallies;
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SANITIZERS);
for (const name of wanted) {
  if (name === SPDK || Object.hasOwn(SANITIZERS, name)) continue;
  const known = [...Object.keys(SANITIZERS), SPDK].join(', ');
  console.error(`tools/check: no check '${name}'; there are: ${known}`);
  process.exit(2);
}

await runSession(root, join(root, 'build/check-logs'), async (steps, tallies) => {
  for (const name of wanted) {
    if (name === SPDK) {
      tallies.push(...(await checkSpdk(steps)));
      continue;
    }
    const { flag, environment } = SANITIZERS[name];
    const directory = join(root, `build/check-${name}`);
    const flags = [`-DDAOS_SANITIZE=${flag}`, '-DDAOS_BUILD_BENCHES=OFF'];
    await buildNative(steps, { directory, flags, label: name });
    tallies.push(...(await checkNative(steps, { directory, environment, label: name })));
  }
});
