// Which host acts, as the store says.

import * as z from 'zod';
import { LEADER_KEY } from '../metadata/fenced-store.js';
import type { MetadataStore } from '../metadata/metadata-store.js';

const leaderSchema = z.object({ url: z.string() });

/** Without a URL: the host that asks, where it is alone; else nobody. */
export async function findLeader(
  store: MetadataStore,
): Promise<{ url?: string; isAlone: boolean }> {
  const entry = await store.get(LEADER_KEY);
  if (!entry) return { isAlone: true };
  return { url: leaderSchema.parse(JSON.parse(entry.value)).url, isAlone: false };
}
