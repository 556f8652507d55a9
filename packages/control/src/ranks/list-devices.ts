// The devices that engines keep pools on, and the lights by which they are found.

import { DaosError } from '@daos/model';
import * as z from 'zod';
import type { ControlContext } from '../control-context.js';
import { engineDeviceSchema, ownDeviceSchema } from '../engines/engine-control.js';
import { rankField } from '../records/fields.js';
import { findDevice } from './manage-devices.js';
import { listRanks } from './rank-registry.js';

export const rankDevicesSchema = z.object({
  rank: rankField,
  host: z.string(),
  devices: z.array(engineDeviceSchema),
  ownDevices: z
    .array(ownDeviceSchema)
    .meta({ description: 'What the engine was given; none where pools lie in its data directory' }),
  error: z.string().optional().meta({ description: 'Of an engine that does not answer' }),
});
export type RankDevices = z.infer<typeof rankDevicesSchema>;

/** Every engine is asked, whatever the others answer. */
export async function listDevices(context: ControlContext): Promise<RankDevices[]> {
  const ranks = await listRanks(context);
  return await Promise.all(
    ranks.map(async ({ rank, host }) => {
      try {
        const engine = context.engines.engineOf(rank);
        const [{ devices }, { devices: ownDevices }] = await Promise.all([
          engine.queryDevices({}),
          engine.listDevices({}),
        ]);
        return { rank, host, devices, ownDevices };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { rank, host, devices: [], ownDevices: [], error: message };
      }
    }),
  );
}

/** DER_NONEXIST for what is no device of the rank; DER_NOSYS for one that has no light. */
export async function identifyDevice(
  context: ControlContext,
  rank: number,
  path: string,
  isOn: boolean,
): Promise<void> {
  await findDevice(context, rank, path);
  const { setDeviceLight } = context.engines;
  if (!setDeviceLight) throw new DaosError('DER_NOSYS', 'no lights are known here');
  await setDeviceLight(rank, path, isOn);
}
