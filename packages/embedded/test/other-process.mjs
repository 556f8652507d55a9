// A user of somebody else's system, in a process or worker of its own.
import { isMainThread, workerData } from 'node:worker_threads';
import { Client } from '@daos/client';

// Handles need no directory to ask.
const nothing = { getPool: async () => undefined, getContainer: async () => undefined };

async function withStore(handle, oid, use) {
  const client = await Client.connect({ control: nothing, transports: ['shm'] });
  const container = await client.attachContainer(handle);
  await use(container.keyValue(oid));
  await client.close();
}

/** What another process runs. */
export async function putFromProcess(handle, oid) {
  await withStore(handle, oid, (store) => store.put('who', 'another process'));
}

if (!isMainThread) {
  const { handle, oid, number, count } = workerData;
  await withStore(handle, oid, (store) =>
    Promise.all(
      Array.from({ length: count }, (_, i) => store.put(`worker ${number} ${i}`, `${i}`)),
    ),
  );
}
