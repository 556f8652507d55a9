// Names of users and groups by their numbers, as the host's databases say (files, LDAP, …).
//
// Asked of `getent`, and kept for a minute. Who has no name goes by the number.

import { execFile } from 'node:child_process';

const LIFE_MS = 60_000;
type Database = 'passwd' | 'group';

export class AccountNames {
  readonly #known = new Map<string, { name: Promise<string>; askedMs: number }>();

  user(uid: number): Promise<string> {
    return this.#name('passwd', uid);
  }

  group(gid: number): Promise<string> {
    return this.#name('group', gid);
  }

  #name(database: Database, number: number): Promise<string> {
    const key = `${database} ${number}`;
    const known = this.#known.get(key);
    const nowMs = performance.now();
    if (known && nowMs - known.askedMs < LIFE_MS) return known.name;
    const name = askName(database, number);
    this.#known.set(key, { name, askedMs: nowMs });
    return name;
  }
}

function askName(database: Database, number: number): Promise<string> {
  return new Promise((resolve) => {
    execFile('getent', [database, String(number)], (error, output) => {
      const name = error ? undefined : /^([^:\s]+):/.exec(output)?.[1];
      resolve(name ?? String(number));
    });
  });
}
