// A program that has a container open, for tests: reads commands from its standard input, one a
// line, as JSON, and writes what came of each, likewise.
//
//   ["put", key, value] → {"epoch"}    ["get", key, snapshot?] → {"value"}    else {"error"}
//
// The first line says what to open: URLs of the control hosts, directory of certificates, pool,
// container.
import { createInterface } from 'node:readline';
import { Client, textOf } from '@daos/client';
import { ControlClient } from '@daos/control/client';
import { readCertificates } from '@daos/control/service-tls';
import { makeObjectId } from '@daos/model';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const [url = '', certificates = '', poolName = '', containerName = ''] = JSON.parse(
  (await lines.next()).value as string,
) as string[];
const control = new ControlClient({ url, certificates: readCertificates(certificates, 'admin') });
// On all targets: keys lie here and there.
const OID = makeObjectId({ user: 1n, type: 'MULTI_HASHED', objectClass: 'SX' });

await using client = await Client.connect({ control });
await using pool = await client.openPool(poolName);
await using container = await pool.openContainer(containerName);

async function answerTo([verb, key = '', more]: readonly string[]): Promise<object> {
  if (verb === 'put') {
    return { epoch: String(await container.object(OID).update(key, 'a', more ?? '')) };
  }
  if (more === undefined) return { value: textOf(await container.object(OID).fetch(key, 'a')) };
  await using then = await pool.openContainer(containerName, { snapshot: more });
  return { value: textOf(await then.object(OID).fetch(key, 'a')) };
}

process.stdout.write('open\n');
for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
  const answer = await answerTo(JSON.parse(line.value) as string[]).catch((error: unknown) => ({
    error: String(error),
  }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
