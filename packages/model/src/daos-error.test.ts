import { describe, expect, test } from '@jest/globals';
import { DaosError, errorCodeOf } from './daos-error.js';
import { ERRORS, type DaosErrorCode } from './generated/errors.js';

describe('model/daos-error', () => {
  test('an error carries code, number, advice and cause', () => {
    const cause = new Error('the disk');
    const error = new DaosError('DER_NOSPACE', 'pool p: no space left', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'DaosError', code: 'DER_NOSPACE', value: 1007, cause });
    expect(error.retryable).toBe(false);
    expect(error.action).toContain('free space');
    expect(String(error)).toBe('DaosError: pool p: no space left');
  });

  test('an error may advise what fits its case better than its code does', () => {
    const action = 'choose another label';
    expect(new DaosError('DER_EXIST', 'a pool', { action }).action).toBe(action);
    expect(new DaosError('DER_EXIST', 'a pool', { cause: 1 }).action).toBe(
      ERRORS.DER_EXIST.action,
    );
  });

  test('without a message an error says what its code means', () => {
    expect(new DaosError('DER_TIMEDOUT').message).toBe(ERRORS.DER_TIMEDOUT.text);
  });

  test('every code comes back from its number, whatever the sign', () => {
    for (const [code, { value, retryable }] of Object.entries(ERRORS)) {
      expect(errorCodeOf(value)).toBe(code);
      expect(errorCodeOf(-value)).toBe(code);
      expect(new DaosError(code as DaosErrorCode).retryable).toBe(retryable);
    }
  });

  test('a number outside the table becomes an internal error that names it', () => {
    const error = DaosError.fromNumber(4711, 'odd');
    expect(error.code).toBe('DER_MISC');
    expect(error.message).toBe('unknown error number 4711: odd');
  });

  test('an error is recognised by name, not by identity of its class', () => {
    const foreign = Object.assign(new Error('x'), { name: 'DaosError', code: 'DER_BUSY' });
    expect(DaosError.is(foreign, 'DER_BUSY')).toBe(true);
    expect(DaosError.is(foreign, 'DER_IO')).toBe(false);
    expect(DaosError.is(new Error('x'))).toBe(false);
    expect(DaosError.is(undefined)).toBe(false);
  });
});
