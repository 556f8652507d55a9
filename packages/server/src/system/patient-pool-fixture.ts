// Pools that are made while ranks may be suspect for a moment, as on a machine whose cores are busy
// with other tests: who is told so may ask again.

import type { ControlClient } from '@daos/control/client';

const LIMIT_MS = 60_000;
const PAUSE_MS = 100;

interface PoolBody {
  readonly label: string;
  readonly size: number;
  readonly ranks?: number[];
}

const create = (control: ControlClient, body: PoolBody) => control.call('createPool', { body });

/** A rank that is suspect for longer than a minute is an error. */
export async function createPoolPatiently(
  control: ControlClient,
  body: PoolBody,
): ReturnType<typeof create> {
  const deadlineMs = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return await create(control, body);
    } catch (error) {
      const isForAMoment = /rank \d+ is suspect/.test(String(error));
      if (!isForAMoment || performance.now() > deadlineMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
