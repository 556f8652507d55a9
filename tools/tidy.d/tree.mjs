// The files that rules look at.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const IGNORED_DIRECTORIES = new Set([
  '.cache',
  '.git',
  'build',
  'coverage',
  'dist',
  'node_modules',
]);

/** Paths and texts of a source tree; `files` is sorted, texts are read when they are asked for. */
export class Tree {
  #read;
  #texts = new Map();

  constructor(files, read) {
    this.files = [...files].sort();
    this.#read = read;
  }

  /** The checkout at `root`. */
  static ofDirectory(root) {
    const files = [];
    const walk = (directory) => {
      const entries = readdirSync(join(root, directory), { withFileTypes: true });
      for (const entry of entries) {
        const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
        if (entry.isDirectory() && !IGNORED_DIRECTORIES.has(entry.name)) walk(path);
        // In a worktree of git, .git is a file.
        const isIgnored = entry.name === '.git' || entry.name.endsWith('.node');
        if (entry.isFile() && !isIgnored) files.push(path);
      }
    };
    walk('');
    return new Tree(files, (path) => readFileSync(join(root, path), 'utf8'));
  }

  /** A tree from an object { path: text }, for tests. */
  static ofObject(texts) {
    return new Tree(Object.keys(texts), (path) => texts[path]);
  }

  has(path) {
    return this.files.includes(path);
  }

  /** True when files lie under this folder. */
  hasFolder(path) {
    return this.files.some((file) => file.startsWith(`${path}/`));
  }

  text(path) {
    if (!this.#texts.has(path)) this.#texts.set(path, this.#read(path));
    return this.#texts.get(path);
  }

  lines(path) {
    return this.text(path).split('\n');
  }

  /** Files whose path matches; generated ones only when `generated` says so. */
  matching(pattern, { generated = false } = {}) {
    return this.files.filter((path) => pattern.test(path) && (generated || !isGenerated(path)));
  }

  /** Names of the folders directly under `parent`. */
  folders(parent) {
    const names = this.files
      .filter((path) => path.startsWith(`${parent}/`))
      .map((path) => path.slice(parent.length + 1).split('/'))
      .filter((parts) => parts.length > 1)
      .map((parts) => parts[0]);
    return [...new Set(names)];
  }
}

export const isGenerated = (path) => /(^|\/)generated\//.test(path);
/** A conformance file is a list of tests that every implementation of an interface must pass. */
export const isTest = (path) =>
  /(_test\.cc|\.test\.(ts|mjs)|\bconformance\.ts|_conformance\.(h|cc))$/.test(path);

/** The file name without folder and without everything from the first dot on. */
export const stemOf = (path) => path.slice(path.lastIndexOf('/') + 1).split('.')[0];
