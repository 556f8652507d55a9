// Writes what is derived from native/schema: C++ headers, TypeScript tables and docs.
//
// native/schema/<name>.json is the source; tools/generate.d/<name>.mjs exports `outputs(schema)`,
// which returns the text of each derived file by its path in the repository.
//
// Usage: tools/generate [--check]    --check writes nothing, fails when a file is out of date.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const flags = process.argv.slice(2);
const isCheck = flags.includes('--check');
// A misspelt --check must not write.
const wrong = flags.find((flag) => flag !== '--check');
if (wrong !== undefined) {
  console.error(`generate: bad flag '${wrong}'; usage: tools/generate [--check]`);
  process.exit(2);
}

/** Writes `text` to `name` if that differs from what is there; returns whether it did. */
function update(name, text) {
  const path = join(root, name);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  if (isCheck) {
    console.error(`generate: ${name} is out of date; run tools/generate`);
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`generate: wrote ${name}`);
  }
  return true;
}

let fileCount = 0;
let staleCount = 0;
const schemas = readdirSync(join(root, 'native/schema')).filter((name) => name.endsWith('.json'));
for (const schema of schemas.sort()) {
  const { outputs } = await import(`./generate.d/${basename(schema, '.json')}.mjs`);
  const content = JSON.parse(readFileSync(join(root, 'native/schema', schema), 'utf8'));
  for (const [name, text] of Object.entries(outputs(content))) {
    fileCount += 1;
    staleCount += update(name, text) ? 1 : 0;
  }
}
if (isCheck && staleCount === 0) console.log(`generate: ${fileCount} files are up to date`);
process.exit(isCheck && staleCount > 0 ? 1 : 0);
