// Builds what the quick start needs: the packages' dependencies, the addons, the packages.
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minutes, SetUpError, Steps } from '../test.d/steps.mjs';
import { mkdirSync } from 'node:fs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const logDirectory = join(root, 'build/quickstart-logs');
const nativeBuild = join(root, 'build/native');

mkdirSync(logDirectory, { recursive: true });
const steps = new Steps(root, logDirectory);
const configure = ['cmake', '-S', 'native', '-B', nativeBuild, '-G', 'Ninja'];
const jobs = String(availableParallelism());
const build = ['cmake', '--build', nativeBuild, '--target', 'addons', '--parallel', jobs];
try {
  await steps.setUp('install packages', ['pnpm', 'install', '--frozen-lockfile'], minutes(10));
  const type = '-DCMAKE_BUILD_TYPE=RelWithDebInfo';
  await steps.setUp('configure the core', [...configure, type], minutes(5));
  await steps.setUp('build the core', build, minutes(40));
  await steps.setUp('build the packages', ['pnpm', 'run', 'build'], minutes(10));
} catch (error) {
  if (!(error instanceof SetUpError)) throw error;
  console.error(`quickstart: ${error.message}`);
  process.exitCode = 1;
}
