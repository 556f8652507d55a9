import { describe, expect, test } from '@jest/globals';
import { tallyOfJest } from './jest-results.mjs';

const file = (more) => ({ name: '/r/a.test.ts', status: 'passed', assertionResults: [], ...more });

describe('tools/test: jest', () => {
  test('a report tells passed, failed and skipped tests apart', () => {
    const assertionResults = [
      { status: 'passed', fullName: 'p' },
      { status: 'failed', fullName: 'f', failureMessages: ['\u001b[31mwrong\n\n at x\n'] },
      { status: 'pending', fullName: 's' },
      { status: 'todo', fullName: 't' },
    ];
    const report = { testResults: [file({ status: 'failed', assertionResults })] };
    expect(tallyOfJest(report, '/r')).toEqual({
      passedCount: 1,
      failed: ['a.test.ts: f\n      wrong\n       at x'],
      skipped: ['a.test.ts: s', 'a.test.ts: t'],
    });
  });

  test('a file that does not load has failed, with the reason', () => {
    const message = '  ● Test suite failed to run\n\n    Cannot find module x\n';
    const report = { testResults: [file({ status: 'failed', message })] };
    expect(tallyOfJest(report, '/r').failed).toEqual(['a.test.ts: Cannot find module x']);
  });

  test('a run without a single file has failed', () => {
    expect(tallyOfJest({ testResults: [] }, '/r').failed).toEqual(['jest: ran no test']);
  });
});
