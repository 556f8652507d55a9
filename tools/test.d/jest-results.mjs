// Counts the tests in jest's JSON report.
import { relative } from 'node:path';
import { emptyTally, withReason } from './tally.mjs';

export function tallyOfJest(report, root) {
  const tally = emptyTally();
  for (const file of report.testResults) {
    const path = relative(root, file.name);
    // A file that fails to load, or whose hooks fail, has no test that says so.
    const hasFailedTest = file.assertionResults.some(({ status }) => status === 'failed');
    if (file.status === 'failed' && !hasFailedTest) {
      tally.failed.push(`${path}: ${firstLine(file.message)}`);
    }
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      if (status === 'passed') tally.passedCount += 1;
      else if (status === 'failed') {
        tally.failed.push(withReason(`${path}: ${fullName}`, failureMessages?.join('\n')));
      } else tally.skipped.push(`${path}: ${fullName}`);
    }
  }
  if (report.testResults.length === 0) tally.failed.push('jest: ran no test');
  return tally;
}

function firstLine(message) {
  const line = (message ?? '')
    .split('\n')
    .map((each) => each.trim())
    .find((each) => each !== '' && !each.startsWith('●'));
  return line ?? 'did not run';
}
