// The one error class of all packages.
import { ERRORS, type DaosErrorCode } from './generated/errors.js';

const CODES_BY_NUMBER = new Map(
  Object.entries(ERRORS).map(([code, { value }]) => [value as number, code as DaosErrorCode]),
);

/** The code with this number in DAOS's C API (its sign is ignored), or undefined. */
export function errorCodeOf(value: number): DaosErrorCode | undefined {
  return CODES_BY_NUMBER.get(Math.abs(value));
}

export interface DaosErrorOptions {
  readonly cause?: unknown;
  readonly action?: string;
}

/**
 * A failed operation. `message` names the thing that failed; `code` is what a program reacts to;
 * `retryable` tells whether repeating the same call can help.
 */
export class DaosError extends Error {
  readonly code: DaosErrorCode;
  readonly #action: string | undefined;

  /** `action`: what to do in this case, where what the code advises in general doesn't fit. */
  constructor(code: DaosErrorCode, message?: string, options: DaosErrorOptions = {}) {
    const { action, ...rest } = options;
    super(message ?? ERRORS[code].text, rest);
    this.code = code;
    this.#action = action;
  }

  /** From a number of the native core. A number outside the table is an internal error. */
  static fromNumber(value: number, message?: string, options?: { cause?: unknown }): DaosError {
    const code = errorCodeOf(value);
    if (code !== undefined) return new DaosError(code, message, options);
    const text = message === undefined ? '' : `: ${message}`;
    return new DaosError('DER_MISC', `unknown error number ${value}${text}`, options);
  }

  /** True for a DaosError with this code, also when another copy of this package made it. */
  static is(error: unknown, code?: DaosErrorCode): error is DaosError {
    if (!(error instanceof Error) || error.name !== 'DaosError' || !('code' in error)) return false;
    return code === undefined || error.code === code;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** What the caller can do about it. */
  get action(): string {
    return this.#action ?? ERRORS[this.code].action;
  }

  /** The number in DAOS's C API, positive. */
  get value(): number {
    return ERRORS[this.code].value;
  }
}

// On the prototype, as with the errors of the language: instances carry nothing they share.
Object.defineProperty(DaosError.prototype, 'name', { value: 'DaosError' });
