// Gives a client what it needs to open a container on the engines.

import * as z from 'zod';
import { readRecord, type ControlContext } from '../control-context.js';
import { containerDescriptionSchema, statusOf } from '../containers/describe-container.js';
import { findContainer } from '../containers/find-container.js';
import { findPool } from '../pools/find-pool.js';
import {
  poolSecretKey,
  poolSecretRecord,
  sealCapability,
} from './capability.js';

export const openContainerSchema = containerDescriptionSchema.extend({
  /** In base64; empty for a pool that lets everyone in. */
  capability: z.string(),
  /** How long it opens containers; a duration, since clocks differ. */
  capabilityLifeMs: z.int().min(0),
});
export type OpenContainer = z.infer<typeof openContainerSchema>;

export interface OpenContainerOptions {
  readonly readOnly?: boolean;
  /** Else what is opened is written alone. Default true. */
  readonly mayRead?: boolean;
  /** That it is opened on. */
  readonly machine?: string | undefined;
}

/** Who may is the caller's matter. */
export async function openContainer(
  context: ControlContext,
  poolName: string,
  name: string,
  { readOnly = false, mayRead = true, machine }: OpenContainerOptions = {},
): Promise<OpenContainer> {
  const pool = await findPool(context, poolName);
  const { fields } = await findContainer(context, pool.fields, name);
  const secret = await readRecord(context, poolSecretRecord, poolSecretKey(pool.fields.uuid));
  const capability = secret
    ? sealCapability(secret.fields, {
        pool: pool.fields.uuid,
        container: fields.uuid,
        mayRead,
        mayWrite: !readOnly,
        machine,
        expiresMs: context.clock.wallMs() + context.capabilityLifeMs,
      })
    : '';
  return { ...statusOf(fields), capability, capabilityLifeMs: context.capabilityLifeMs };
}
