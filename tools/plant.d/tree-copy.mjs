// A copy of the packages as they are built, in which faults are planted: the checkout itself is
// never changed. One fault at a time; what it changed is as before when it is pulled out.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

const ADDON = 'packages/native/build/engine.node';
const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  isolatedModules: true,
};

/** The file's text with the fault; an error when what it changes isn't there exactly once. */
export function textWith({ name, file, from, to }, text) {
  const count = text.split(from).length - 1;
  if (count === 1) return text.replace(from, () => to);
  const where = 'bring it up to date in tools/plant.d';
  throw new Error(`fault ${name}: '${from}' stands in ${file} ${count} times: ${where}`);
}

/** Of CMake, for what `engine` of a fault says. */
export const targetOf = (engine) => (engine === 'addon' ? 'engine_addon' : basename(engine));

export class TreeCopy {
  #root;
  #directory;
  /** Files that the fault changed, with what they held. */
  #changed = new Map();

  constructor(root, directory) {
    this.#root = root;
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(join(directory, 'build'), { recursive: true });
    // Links between packages are relative: those of the copy lead into the copy.
    cpSync(join(root, 'packages'), join(directory, 'packages'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    for (const name of ['jest.config.mjs', 'package.json', 'docs']) {
      cpSync(join(root, name), join(directory, name), { recursive: true });
    }
    for (const name of ['node_modules', 'build/native']) {
      symlinkSync(join(root, name), join(directory, name));
    }
  }

  get directory() {
    return this.#directory;
  }

  /** Resolves the program of GoogleTest that has the fault, if it is in one. */
  plant(fault) {
    const text = textWith(fault, readFileSync(join(this.#root, fault.file), 'utf8'));
    if (fault.engine !== undefined) return this.#plantNative(fault, text);
    this.#write(fault.file, text);
    const { outputText, diagnostics } = ts.transpileModule(text, {
      compilerOptions: OPTIONS,
      reportDiagnostics: true,
    });
    if (diagnostics.length > 0) {
      const [{ messageText }] = diagnostics;
      throw new Error(`fault ${fault.name}: it doesn't compile: ${messageText}`);
    }
    const compiled = fault.file.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
    this.#write(compiled, outputText);
    return undefined;
  }

  pull() {
    for (const [path, content] of this.#changed) writeFileSync(path, content);
    this.#changed.clear();
  }

  /** As the build does it, but for one object, which comes before the libraries. */
  #plantNative({ name, file, engine }, text) {
    const source = join(this.#directory, 'native', file.replace(/^native\//, ''));
    mkdirSync(dirname(source), { recursive: true });
    writeFileSync(source, text);
    const target = targetOf(engine);
    const build = join(this.#root, 'build/native');
    const commands = execFileSync('ninja', ['-C', build, '-t', 'commands', target], {
      maxBuffer: 1 << 26,
    });
    const lines = commands.toString().trim().split('\n');
    const original = join(this.#root, file);
    const compile = lines.find((line) => line.endsWith(` -c ${original}`));
    const link = lines.at(-1) ?? '';
    if (compile === undefined) throw new Error(`fault ${name}: ${target} doesn't hold ${file}`);
    const object = join(this.#directory, `${name}.o`);
    const oldObject = / -o (\S+)/.exec(compile)?.[1] ?? '';
    const run = (command) => execFileSync('sh', ['-c', command], { cwd: build, stdio: 'pipe' });
    run(compile.replaceAll(oldObject, object).replace(original, source));
    const output = / -o (\S+)/.exec(link)?.[1] ?? '';
    const program = engine === 'addon' ? this.#keep(ADDON) : join(this.#directory, target);
    rmSync(program, { force: true });
    run(link.replace(` -o ${output} `, ` -o ${program} ${object} `));
    return engine === 'addon' ? undefined : program;
  }

  #write(file, text) {
    writeFileSync(this.#keep(file), text);
  }

  #keep(file) {
    const path = join(this.#directory, file);
    if (!existsSync(path)) {
      const there = readdirSync(dirname(path)).join(', ');
      throw new Error(`there is no ${file} in the copy, only ${there}: build the packages first`);
    }
    this.#changed.set(path, readFileSync(path));
    return path;
  }
}
