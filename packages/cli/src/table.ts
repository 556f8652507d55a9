// Plain tables for people: columns as wide as they need, numbers to the right, no colours.

export type Cell = string | number;

/** A heading line, a ruler, and the rows; every line ends with a newline. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const isNumeric = headings.map(
    (_, column) =>
      rows.length > 0 && rows.every((row) => /^[\d.,-]*( \S+)?$/.test(String(row[column]))),
  );
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] ? String(cell).padStart(width) : String(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd() + '\n';
  const ruler = line(widths.map((width) => '-'.repeat(width)));
  return line(headings) + ruler + rows.map(line).join('');
}

/** `name: value` lines with the values under each other. */
export function formatFields(fields: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 1;
  return fields.map(([name, value]) => `${`${name}:`.padEnd(width)} ${value}\n`).join('');
}
