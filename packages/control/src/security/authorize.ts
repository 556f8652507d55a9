// Whether a caller may do a thing with a pool or container, before the thing is done.

import { DaosError } from '@daos/model';
import { readRecords, type ControlContext } from '../control-context.js';
import { findContainerInAnyState } from '../containers/find-container.js';
import { findPoolInAnyState } from '../pools/find-pool.js';
import type { ContainerFields } from '../records/container-record.js';
import { POOL_PREFIX, poolRecord, type PoolFields } from '../records/pool-record.js';
import type { Stored } from '../records/record.js';
import { rightsOf, type Right } from './acl.js';
import { denied, hidden, type Caller } from './caller.js';

/**
 * What one caller may touch. Each method answers with the UUID of what it let through, so that what
 * is done afterwards is done to the same thing.
 */
export class Access {
  readonly #context: ControlContext;
  readonly caller: Caller;

  constructor(context: ControlContext, caller: Caller) {
    this.#context = context;
    this.caller = caller;
  }

  /** All of `rights` are needed; none of them: to see the pool is enough. */
  async pool(name: string, ...rights: readonly Right[]): Promise<string> {
    return (await this.#pool(name, rights)).uuid;
  }

  /**
   * One of `rights` is needed; `may` tells of the others. Who may delete any container of the pool
   * may delete this one.
   */
  async container(
    poolName: string,
    name: string,
    ...rights: readonly Right[]
  ): Promise<{ pool: string; container: string; may: (right: Right) => boolean }> {
    const pool = await this.#pool(poolName, []);
    const container = await this.#findContainer(pool, name);
    const names = { pool: pool.uuid, container: container.uuid };
    if (this.caller.isAdministrator) return { ...names, may: () => true };
    const given = rightsOf('container', this.caller.identity, container);
    const found = { ...names, may: (right: Right) => given.has(right) };
    const poolRights = rightsOf('pool', this.caller.identity, pool);
    if (rights.includes('d') && poolRights.has('d')) return found;
    if (given.size === 0) throw hidden('container', name);
    if (rights.some((right) => given.has(right))) return found;
    throw denied(this.caller, 'container', container.label, rights.join(' or '));
  }

  /** Those of `pools` that the caller sees. */
  async seenPools<T extends { uuid: string }>(pools: readonly T[]): Promise<T[]> {
    if (this.caller.isAdministrator) return [...pools];
    const records = await readRecords(this.#context, poolRecord, POOL_PREFIX);
    const seen = records.filter(({ fields }) => this.#rightsOn('pool', fields).has('t'));
    return those(pools, seen);
  }

  /** Whether the caller has any right on a container. */
  sees(container: ContainerFields): boolean {
    return this.caller.isAdministrator || this.#rightsOn('container', container).size > 0;
  }

  async #pool(name: string, rights: readonly Right[]): Promise<PoolFields> {
    const pool = await this.#orHidden('pool', name, findPoolInAnyState(this.#context, name));
    if (!this.caller.isAdministrator) {
      const given = this.#rightsOn('pool', pool);
      if (!given.has('t')) throw hidden('pool', name);
      const lacking = rights.find((right) => !given.has(right));
      if (lacking) throw denied(this.caller, 'pool', pool.label, lacking);
    }
    return pool;
  }

  #findContainer(pool: PoolFields, name: string): Promise<ContainerFields> {
    const found = findContainerInAnyState(this.#context, pool, name);
    return this.#orHidden('container', name, found);
  }

  #rightsOn(kind: 'pool' | 'container', fields: PoolFields | ContainerFields) {
    if (this.caller.isAdministrator) throw new DaosError('DER_MISC', 'administrators need none');
    return rightsOf(kind, this.caller.identity, fields);
  }

  async #orHidden<T>(
    kind: 'pool' | 'container',
    name: string,
    found: Promise<{ fields: T }>,
  ): Promise<T> {
    try {
      return (await found).fields;
    } catch (error) {
      if (this.caller.isAdministrator || !DaosError.is(error, 'DER_NONEXIST')) throw error;
      throw hidden(kind, name);
    }
  }
}

function those<T extends { uuid: string }>(
  items: readonly T[],
  records: readonly Stored<{ uuid: string }>[],
): T[] {
  const uuids = new Set(records.map(({ fields }) => fields.uuid));
  return items.filter(({ uuid }) => uuids.has(uuid));
}
