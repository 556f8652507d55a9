// Reads metrics as OpenMetrics and Prometheus write them as text.

import { DaosError } from '@daos/model';

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** JSON has no other name for what is no finite number than text. */
  readonly value: number | 'NaN' | '+Inf' | '-Inf';
}

export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

interface Family {
  name: string;
  type: string;
  help: string;
  samples: MetricSample[];
}

const COMMENT = /^# (TYPE|HELP) (\S+) ?(.*)$/;
/** Without its labels: name, value; a time and an example may follow. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)[ \t]+(\S+)(?:[ \t]+[-+.\deE]+)?(?:[ \t]+#.*)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;
/** What samples add to the name of their family. */
const SUFFIX = /_(?:total|bucket|count|sum|created|info|gcount|gsum)$/;
/** Of a line that is wrong. */
const LINE_LENGTH_SHOWN = 80;

/** DER_PROTO names the first line that is none of the format's. */
export function parseMetrics(text: string): MetricFamily[] {
  const families = new Map<string, Family>();
  const familyOf = (name: string): Family => {
    const known = families.get(name);
    if (known) return known;
    const family = { name, type: 'unknown', help: '', samples: [] };
    families.set(name, family);
    return family;
  };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '# EOF') break;
    const comment = COMMENT.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'TYPE') familyOf(name).type = rest;
      else familyOf(name).help = unescaped(rest);
    } else if (line.trim() !== '' && !line.startsWith('#')) {
      const sample = sampleOf(line, index + 1);
      const owner = sample.name.replace(SUFFIX, '');
      const isOwn = families.has(sample.name) || !families.has(owner);
      familyOf(isOwn ? sample.name : owner).samples.push(sample);
    }
  }
  return [...families.values()];
}

function sampleOf(line: string, lineNumber: number): MetricSample {
  const sample = splitSample(line);
  if (sample) return sample;
  const shown = line.slice(0, LINE_LENGTH_SHOWN);
  throw new DaosError('DER_PROTO', `line ${lineNumber} is no line of metrics: ${shown}`, {
    action: 'name the address of something that tells metrics as OpenMetrics text',
  });
}

/** A label's text may hold braces: each that could end the labels is tried. */
function splitSample(line: string): MetricSample | undefined {
  const open = line.search(/[{ \t]/);
  if (line[open] !== '{') return valued(line, {});
  for (let at = line.indexOf('}', open); at >= 0; at = line.indexOf('}', at + 1)) {
    const labels = labelsOf(line.slice(open + 1, at));
    if (labels) return valued(line.slice(0, open) + line.slice(at + 1), labels);
  }
  return undefined;
}

function valued(text: string, labels: Record<string, string>): MetricSample | undefined {
  const [, name, number = ''] = SAMPLE.exec(text) ?? [];
  const value = numberOf(number);
  return name === undefined || value === undefined ? undefined : { name, labels, value };
}

function labelsOf(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let end = 0;
  while (end < text.length) {
    const match = LABEL.exec(text);
    if (!match) return undefined;
    labels[match[1] ?? ''] = unescaped(match[2] ?? '');
    end = LABEL.lastIndex;
  }
  return labels;
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));

function numberOf(text: string): MetricSample['value'] | undefined {
  if (/^nan$/i.test(text)) return 'NaN';
  if (/^\+?inf(inity)?$/i.test(text)) return '+Inf';
  if (/^-inf(inity)?$/i.test(text)) return '-Inf';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
}
