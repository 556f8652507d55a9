// The metrics that programs print: reading, checking, and the two forms of output.

/** The metrics in a program's output. Throws when it isn't what native/bench/report.h prints. */
export function parseMetrics(output) {
  const { metrics } = JSON.parse(output);
  if (!Array.isArray(metrics)) throw new Error('no metrics');
  for (const { name, value, unit, reference, ratio } of metrics) {
    const isOptionalNumber = (each) => each === null || Number.isFinite(each);
    const isSound = typeof name === 'string' && typeof unit === 'string' && Number.isFinite(value);
    if (!isSound || !isOptionalNumber(reference) || !isOptionalNumber(ratio)) {
      throw new Error(`metric ${name} is malformed`);
    }
  }
  return metrics;
}

/** `a/{b,c}/d` → a/b/d, a/c/d */
export function expandBraces(pattern) {
  const match = /^(.*?)\{([^}]*)\}(.*)$/.exec(pattern);
  if (match === null) return [pattern];
  const [, before, choices, after] = match;
  return choices.split(',').flatMap((choice) => expandBraces(`${before}${choice}${after}`));
}

/** The metric names that docs/performance.md lists: code spans with a slash, in table rows. */
export function documentedNames(page) {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  return new Set(rows.flatMap((row) => expandBraces(/^\| `([^`]+)`/.exec(row)?.[1] ?? '')));
}

const grouped = (value) =>
  value.toLocaleString('en-US', {
    minimumFractionDigits: Math.abs(value) < 1000 ? 2 : 0,
    maximumFractionDigits: Math.abs(value) < 1000 ? 2 : 0,
  });

/** The table, as one text. */
export function formatTable(metrics) {
  const rows = [
    ['name', 'value', 'unit', 'reference', 'ratio'],
    ...metrics.map(({ name, value, unit, reference, ratio }) => [
      name,
      grouped(value),
      unit,
      reference === null ? '-' : grouped(reference),
      ratio === null ? '-' : ratio.toFixed(3),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isText = [true, false, true, false, false];
  return rows
    .map((row) =>
      row
        .map((cell, i) => (isText[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
