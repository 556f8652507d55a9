// What was stored, written down beside the store, so that the reading process has something to
// compare with that did not come from the engine.

import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { FileAttributes } from './file-store.js';

export interface ManifestEntry {
  readonly path: Buffer;
  readonly attributes: FileAttributes;
}

export async function writeManifest(
  file: string,
  entries: readonly ManifestEntry[],
): Promise<void> {
  const stream = createWriteStream(file);
  for (const { path, attributes } of entries) {
    stream.write(`${JSON.stringify({ path: path.toString('base64'), attributes })}\n`);
  }
  stream.end();
  await once(stream, 'finish');
}

export async function readManifest(file: string): Promise<ManifestEntry[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const { path, attributes } = JSON.parse(line) as { path: string; attributes: FileAttributes };
    return { path: Buffer.from(path, 'base64'), attributes };
  });
}
