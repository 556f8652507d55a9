// Who may look at the console without a certificate: whoever shows a token that an administrator
// had made, once, and from then on the session that came of it.
//
// Invariant: a token lets in one session at most, and only its digest is kept.

import { createHash, randomBytes } from 'node:crypto';
import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { Clock } from '../clock.js';

export const CONSOLE_TOKEN_LIFE_MS = 5 * 60_000;
export const CONSOLE_SESSION_LIFE_MS = 12 * 3_600_000;
const SECRET_SIZE = 32;
const TOKEN_COUNT_MAX = 64;
const SESSION_COUNT_MAX = 256;

export const consoleTokenSchema = z.object({
  token: z.string(),
  url: z.string().meta({ description: 'Where the console is' }),
  lifeMs: z.int(),
});
export type ConsoleToken = z.infer<typeof consoleTokenSchema>;

export class ConsoleAccess {
  readonly #clock: Clock;
  /** Until when each is good, by digest. */
  readonly #tokens = new Map<string, number>();
  readonly #sessions = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** DER_BUSY when too many have been made and not used. */
  issueToken(): string {
    return this.#issue(this.#tokens, CONSOLE_TOKEN_LIFE_MS, TOKEN_COUNT_MAX, 'console tokens');
  }

  /** A session; undefined for a token that is unknown, used or too old. */
  logIn(token: string): string | undefined {
    const digest = digestOf(token);
    const isGood = this.#isGood(this.#tokens, digest);
    this.#tokens.delete(digest);
    if (!isGood) return undefined;
    return this.#issue(this.#sessions, CONSOLE_SESSION_LIFE_MS, SESSION_COUNT_MAX, 'sessions');
  }

  isLoggedIn(session: string): boolean {
    return this.#isGood(this.#sessions, digestOf(session));
  }

  #issue(known: Map<string, number>, lifeMs: number, countMax: number, what: string): string {
    const nowMs = this.#clock.monotonicMs();
    for (const [digest, untilMs] of known) if (untilMs <= nowMs) known.delete(digest);
    if (known.size >= countMax) {
      const message = `there are ${countMax} ${what} already`;
      throw new DaosError('DER_BUSY', message, { action: 'wait for some to end' });
    }
    const secret = randomBytes(SECRET_SIZE).toString('base64url');
    known.set(digestOf(secret), nowMs + lifeMs);
    return secret;
  }

  #isGood(known: ReadonlyMap<string, number>, digest: string): boolean {
    return (known.get(digest) ?? -Infinity) > this.#clock.monotonicMs();
  }
}

const digestOf = (secret: string) => createHash('sha256').update(secret).digest('base64');
