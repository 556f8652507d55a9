// Building blocks of the page. Whatever comes from the service goes in as text.

export type Content = Node | string | number;

export function element(name: string, ...content: readonly Content[]): HTMLElement {
  const made = document.createElement(name);
  made.append(...content.map((part) => (part instanceof Node ? part : String(part))));
  return made;
}

export function colored(text: string, isGood: boolean): HTMLElement {
  const made = element('span', text);
  made.className = isGood ? 'good' : 'bad';
  return made;
}

export function table(
  headings: readonly string[],
  rows: readonly (readonly Content[])[],
): HTMLElement {
  const head = element('thead', element('tr', ...headings.map((text) => element('th', text))));
  const body = rows.map((row) => element('tr', ...row.map((cell) => element('td', cell))));
  return element('table', head, element('tbody', ...body));
}

/** How much of something is used. */
export function usage({
  totalBytes,
  freeBytes,
}: {
  totalBytes: number;
  freeBytes: number;
}): HTMLElement {
  const used = totalBytes - freeBytes;
  const meter = document.createElement('meter');
  meter.max = Math.max(1, totalBytes);
  meter.value = used;
  meter.high = meter.max * 0.9;
  const text = ` ${formatBytes(used)} of ${formatBytes(totalBytes)}`;
  return totalBytes === 0 ? element('span', '–') : element('span', meter, text);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function formatBytes(bytes: number): string {
  const step = Math.min(
    UNITS.length - 1,
    Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)),
  );
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${UNITS[step]}`;
}

export const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
