export const about = 'a link in a Markdown file leads somewhere';

import { posix } from 'node:path';

export function check(tree) {
  const findings = [];
  for (const file of tree.matching(/\.md$/, { generated: true })) {
    let isCode = false;
    tree.lines(file).forEach((text, index) => {
      if (/^\s*```/.test(text)) isCode = !isCode;
      if (isCode) return;
      const prose = text.replaceAll(/`[^`]*`/g, '');
      for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
        const problem = problemOf(tree, file, target);
        if (problem !== undefined) findings.push({ file, line: index + 1, text: problem });
      }
    });
  }
  return findings;
}

function problemOf(tree, file, target) {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [path, anchor] = target.split('#');
  const resolved = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), path));
  const place = resolved.replace(/\/$/, '');
  if (!tree.has(place)) {
    return tree.hasFolder(place) ? undefined : `${target} leads nowhere`;
  }
  if (anchor === undefined || anchorsOf(tree.lines(place)).has(anchor)) return undefined;
  return `${place} has no heading #${anchor}`;
}

function anchorsOf(lines) {
  const headings = lines.filter((line) => /^#+ /.test(line));
  return new Set(
    headings.map((line) =>
      line
        .replace(/^#+ +/, '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
}
