// Folds lines over the limit: comments by their words, C++ by clang-format, which sees only the
// lines that are too long. What can't be folded so is left for people.
import { spawnSync } from 'node:child_process';

const COLUMNS_MAX = 100;
const CLANG_FORMATS = ['clang-format-16', 'clang-format-18', 'clang-format'];

/** "// ", "//   1. ", "// Thread:    ": what stands before the first word of a comment's text. */
const COMMENT = /^(\s*\/\/)\s*/;
const LABEL = /^\s*\/\/\s*(?:(?:[-*•]|\d+[.)])|[A-Z][\w -]{0,14}:)\s+/;
/** A statement or member with a comment behind it. */
const TRAILING = /^(\s*)(\S.*?;)\s+\/\/ (.*)$/;

const widthOf = (line) => [...line].length;
const isComment = (line) => line !== undefined && /^\s*\/\/ *\S/.test(line);

/** Moves the words of a comment that are over the limit into the next line. */
function foldComment(lines, index) {
  const line = lines[index];
  const [, marker] = COMMENT.exec(line);
  const start = COMMENT.exec(line)[0].length;
  const label = LABEL.exec(line)?.[0];
  const next = lines[index + 1];
  const nextStart = isComment(next) && next.startsWith(marker) ? COMMENT.exec(next)[0].length : -1;
  let column = label?.length ?? start;
  const isHanging = label !== undefined && nextStart > start;
  const goesOn = nextStart >= 0 && !LABEL.test(next) && (nextStart === column || isHanging);
  if (goesOn) column = nextStart;
  const cut = line.lastIndexOf(' ', COLUMNS_MAX);
  if (cut <= column) return;
  lines[index] = line.slice(0, cut).trimEnd();
  const head = marker.padEnd(column) + line.slice(cut).trim();
  if (goesOn) lines[index + 1] = `${head} ${next.slice(column).trim()}`;
  else lines.splice(index + 1, 0, head);
}

/** Puts the comment behind a statement onto a line of its own above. */
function liftComment(lines, index, [, indent, code, comment]) {
  const sentence = comment[0].toUpperCase() + comment.slice(1);
  const end = /[.:?]$/.test(sentence) ? '' : '.';
  lines.splice(index, 1, `${indent}// ${sentence}${end}`, indent + code);
}

/** The text with its comments folded. */
export function foldComments(text) {
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i += 1) {
    if (widthOf(lines[i]) <= COLUMNS_MAX) continue;
    const trailing = isComment(lines[i]) ? null : TRAILING.exec(lines[i]);
    const isAlone = !isComment(lines[i + 1]?.trim());
    if (trailing !== null && isAlone) liftComment(lines, i, trailing);
    if (isComment(lines[i]) && widthOf(lines[i]) > COLUMNS_MAX) foldComment(lines, i);
  }
  return lines.join('\n');
}

/** The C++ text with its long lines laid out by clang-format; as it is where there is none. */
export function foldCode(text) {
  const long = text
    .split('\n')
    .flatMap((line, index) => (widthOf(line) > COLUMNS_MAX ? [index + 1] : []));
  if (long.length === 0) return text;
  const ranges = long.map((line) => `--lines=${line}:${line}`);
  for (const program of CLANG_FORMATS) {
    const options = { input: text, encoding: 'utf8', maxBuffer: 2 ** 26 };
    const result = spawnSync(program, ['--assume-filename=a.cc', ...ranges], options);
    if (result.status === 0) return result.stdout;
  }
  return text;
}
