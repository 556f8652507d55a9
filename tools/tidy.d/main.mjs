// The driver behind tools/tidy: runs every rule of rules/ over the checkout.
//
// A rule exports `about` (one sentence), `check(tree)`, which returns findings
// { file, line?, text }, and perhaps `advise(tree)`, whose findings are printed
// but fail nothing, and `fix(tree)`, which returns new texts of files by path.
// Its file name is its name.
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tree } from './tree.mjs';

const here = dirname(fileURLToPath(import.meta.url));

async function loadRules(names) {
  const all = readdirSync(join(here, 'rules'))
    .filter((file) => file.endsWith('.mjs') && !file.endsWith('.test.mjs'))
    .map((file) => basename(file, '.mjs'))
    .sort();
  for (const name of names) {
    if (all.includes(name)) continue;
    console.error(`tools/tidy: no rule '${name}'; rules: ${all.join(', ')}`);
    process.exit(2);
  }
  const wanted = names.length > 0 ? names : all;
  return Promise.all(
    wanted.map(async (name) => ({ name, ...(await import(`./rules/${name}.mjs`)) })),
  );
}

const place = ({ file, line }) => (line === undefined ? file : `${file}:${line}`);

function print(results) {
  for (const { rule, findings, advice } of results) {
    for (const each of advice) console.log(`${place(each)}: ${each.text} (${rule}, advice)`);
    for (const each of findings) console.log(`${place(each)}: ${each.text} (${rule})`);
  }
  const failedCount = results.filter(({ findings }) => findings.length > 0).length;
  console.log(`tidy: ${results.length - failedCount} rules hold, ${failedCount} do not`);
}

const flags = process.argv.slice(2);
const known = ['--json', '--list', '--fix'];
const wrong = flags.find((flag) => flag.startsWith('-') && !known.includes(flag));
if (wrong !== undefined) {
  const usage = 'tools/tidy [--list | --fix | --json] [RULE]...';
  console.error(`tools/tidy: bad flag '${wrong}'; usage: ${usage}`);
  process.exit(2);
}
const rules = await loadRules(flags.filter((flag) => !flag.startsWith('--')));
if (flags.includes('--list')) {
  for (const { name, about } of rules) console.log(`${name}: ${about}`);
  process.exit(0);
}
const root = join(here, '../..');
const tree = Tree.ofDirectory(root);
if (flags.includes('--fix')) {
  for (const [file, text] of rules.flatMap(({ fix }) => Object.entries(fix?.(tree) ?? {}))) {
    if (text === tree.text(file)) continue;
    writeFileSync(join(root, file), text);
    console.log(`tidy: mended ${file}`);
  }
  process.exit(0);
}
const results = rules.map(({ name, check, advise }) => ({
  rule: name,
  findings: check(tree),
  advice: advise?.(tree) ?? [],
}));
if (flags.includes('--json')) console.log(JSON.stringify({ rules: results }));
else print(results);
process.exitCode = results.some(({ findings }) => findings.length > 0) ? 1 : 0;
