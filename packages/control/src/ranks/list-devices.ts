// The devices that engines keep pools on.

import * as z from 'zod';
import type { ControlContext } from '../control-context.js';
import { engineDeviceSchema } from '../engines/engine-control.js';
import { rankField } from '../records/fields.js';
import { listRanks } from './rank-registry.js';

export const rankDevicesSchema = z.object({
  rank: rankField,
  host: z.string(),
  devices: z.array(engineDeviceSchema),
  error: z.string().optional().meta({ description: 'Of an engine that does not answer' }),
});
export type RankDevices = z.infer<typeof rankDevicesSchema>;

/** Every engine is asked, whatever the others answer. */
export async function listDevices(context: ControlContext): Promise<RankDevices[]> {
  const ranks = await listRanks(context);
  return await Promise.all(
    ranks.map(async ({ rank, host }) => {
      try {
        const { devices } = await context.engines.engineOf(rank).queryDevices({});
        return { rank, host, devices };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { rank, host, devices: [], error: message };
      }
    }),
  );
}
