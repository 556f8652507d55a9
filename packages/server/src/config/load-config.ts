// Reads a YAML configuration and says where it is wrong: file, line, key, and the key that was
// probably meant.

import { readFileSync } from 'node:fs';
import { knownKeysAt } from '@daos/control/known-keys';
import { DaosError, unknownKeyText } from '@daos/model';
import { isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type * as z from 'zod';

export function loadConfig<S extends z.ZodType>(file: string, schema: S): z.output<S> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `cannot read the configuration ${file}: ${(error as Error).message}`;
    throw new DaosError('DER_INVAL', message, { cause: error });
  }
  return parseConfig(file, text, schema);
}

/** DER_INVAL with a line for each mistake. `file` is for messages. */
export function parseConfig<S extends z.ZodType>(
  file: string,
  text: string,
  schema: S,
): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => `${file}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    const mistakes = document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`);
    throw new DaosError('DER_INVAL', mistakes.join('\n'));
  }
  const result = schema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const mistakes = result.error.issues.flatMap((issue) => describe(document, schema, issue, at));
  throw new DaosError('DER_INVAL', mistakes.join('\n'));
}

function describe(
  document: Document,
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  at: (offset: number) => string,
): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeysAt(schema, issue.path);
    return issue.keys.map(
      (key) => `${at(offsetOfKey(document, issue.path, key))}: ${unknownKeyText(key, known)}`,
    );
  }
  const name = issue.path.length > 0 ? `${dotted(issue.path)}: ` : '';
  return [`${at(offsetOf(document, issue.path))}: ${name}${messageOf(issue)}`];
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return 'is missing';
  }
  return issue.message.replace(/^Invalid (input|option): /, '');
}

/** As `engines[0].targets`. */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : (index ? '.' : '') + String(part),
    )
    .join('');
}

/** Where a value is; for one that is missing, where what should hold it begins. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return node.range[0];
  }
  return 0;
}

function offsetOfKey(document: Document, path: readonly PropertyKey[], key: string): number {
  const map = path.length ? document.getIn(path, true) : document.contents;
  if (!isMap(map)) return 0;
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  return (pair?.key as Node | undefined)?.range?.[0] ?? 0;
}
