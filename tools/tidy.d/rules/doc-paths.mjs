export const about =
  'a path that a Markdown file names exists, and ARCHITECTURE.md names every part';

import { NATIVE_FOLDERS_WITHOUT_CODE } from '../layers.mjs';

const LINES_MAX = 500;
const MAP = 'ARCHITECTURE.md';
/** A path from the root of the checkout, perhaps with a wildcard. */
const PATH = /^(native|packages|tools|docs|\.github|\.ci)\/[\w./*-]*[\w/*]$/;
/** What a build writes. */
const BUILT = /\/(build|dist|node_modules)(\/|$)|\.node$/;
/** NAME, MODULE …: a word for the reader to replace. */
const PLACEHOLDER = /\/(NAME|NOUN|MODULE|PACKAGE)\b|\/NAME_|\/NOUN_/;

export function check(tree) {
  const pages = tree
    .matching(/\.md$/, { generated: true })
    .filter((file) => file !== 'CHANGELOG.md');
  const paths = pages.flatMap((file) => missingPaths(tree, file));
  return [...paths, ...missingPages(tree), ...checkMap(tree)];
}

/** Pages that are named anywhere, in prose or in a comment: docs/vos.md. */
function missingPages(tree) {
  const files = tree.matching(/\.(md|h|cc|ts)$/).filter((file) => file !== 'CHANGELOG.md');
  return files.flatMap((file) =>
    tree
      .lines(file)
      .flatMap((text, index) =>
        [...text.matchAll(/(?<![\w/`])docs\/[\w/-]+\.md\b/g)]
          .filter(([page]) => !PLACEHOLDER.test(page) && !tree.has(page))
          .map(([page]) => ({ file, line: index + 1, text: `${page} does not exist` })),
      ),
  );
}

function missingPaths(tree, file) {
  return tree.lines(file).flatMap((text, index) =>
    [...text.matchAll(/`([^`\s]+)`/g)]
      .map(([, span]) => span)
      .filter((span) => PATH.test(span) && !BUILT.test(span) && !PLACEHOLDER.test(span))
      .filter((span) => !exists(tree, span))
      .map((span) => ({ file, line: index + 1, text: `${span} does not exist` })),
  );
}

function exists(tree, path) {
  if (!path.includes('*')) {
    const place = path.replace(/\/$/, '');
    return tree.has(place) || tree.hasFolder(place);
  }
  const escaped = path.replaceAll('.', '\\.').replaceAll('**/', '(.*/)?');
  const pattern = new RegExp(`^${escaped.replaceAll(/(?<!\.)\*/g, '[^/]*')}`);
  return tree.files.some((each) => pattern.test(each));
}

function checkMap(tree) {
  if (!tree.has(MAP)) return [{ file: MAP, text: 'does not exist' }];
  const lineCount = tree.lines(MAP).length - 1;
  const tooLong = { file: MAP, text: `${lineCount} lines; at most ${LINES_MAX}` };
  const modules = tree
    .folders('native')
    .filter((folder) => !NATIVE_FOLDERS_WITHOUT_CODE.includes(folder))
    .map((folder) => `native/${folder}`);
  const packages = tree.folders('packages').map((folder) => `packages/${folder}`);
  const missing = [...modules, ...packages]
    .filter((part) => !tree.text(MAP).includes(`\`${part}\``))
    .map((part) => ({ file: MAP, text: `the code map lacks ${part}` }));
  return lineCount > LINES_MAX ? [tooLong, ...missing] : missing;
}
