import { describe, expect, test } from '@jest/globals';
import { parseMetrics } from './openmetrics.js';

const samplesOf = (text: string) => parseMetrics(text).flatMap(({ samples }) => samples);

describe('cli/openmetrics', () => {
  test('samples belong to the family that their suffix names', () => {
    const text =
      '# TYPE wait histogram\n# HELP wait How\\nlong\nwait_bucket{le="+Inf"} 3\nwait_sum 1e-3\n' +
      'wait_count 3 # {trace="x"} 1\n# TYPE reads counter\nreads_total 7\nother_total 1\n' +
      '# EOF\nignored 1\n';
    expect(parseMetrics(text).map(({ name, type, samples }) => [name, type, samples.length]))
      .toEqual([['wait', 'histogram', 3], ['reads', 'counter', 1], ['other_total', 'unknown', 1]]);
    expect(parseMetrics(text)[0]?.help).toBe('How\nlong');
    expect(samplesOf(text).map(({ value }) => value)).toEqual([3, 0.001, 3, 7, 1]);
  });

  test.each([
    ['a{x="1, {2}",y="\\\\"} 1', { x: '1, {2}', y: '\\' }],
    ['a{x="},y=\\""} 1', { x: '},y="' }],
    ['a{} 1', {}],
    ['a{x="1",} 1', { x: '1' }],
  ])('labels are taken apart: %s', (line, labels) => {
    expect(samplesOf(line)).toEqual([{ name: 'a', labels, value: 1 }]);
  });

  test.each([['NaN'], ['+Inf'], ['-Inf']])('%s keeps its name', (value) => {
    expect(samplesOf(`a ${value}`)).toEqual([{ name: 'a', labels: {}, value }]);
  });

  test.each([['a'], ['a b'], ['9a 1'], ['a{x=1} 1'], ['a{x="1} 1'], ['a{x="1" 1'], ['a 1 2 3']])(
    '%s is refused with its number',
    (line) => {
      expect(() => parseMetrics(`ok 1\n${line}\n`)).toThrow(/^line 2 is no line of metrics/);
    },
  );
});
