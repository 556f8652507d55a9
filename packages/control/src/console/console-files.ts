// The files of the console, read once: only what is in this table is ever sent.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { DaosError } from '@daos/model';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Server } from 'node:http';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export const CONSOLE_PATH = '/console/';

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
export const CONSOLE_HEADERS = {
  'content-security-policy': "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

interface ConsoleFile {
  readonly type: string;
  readonly content: Buffer;
}

/** By name. */
function readConsoleFiles(): ReadonlyMap<string, ConsoleFile> {
  const root = dirname(createRequire(import.meta.url).resolve('@daos/console/package.json'));
  const files = new Map<string, ConsoleFile>();
  for (const folder of ['static', 'dist']) {
    for (const name of readdirSync(join(root, folder))) {
      const type = TYPES[extname(name)];
      if (type === undefined || name.includes('.test.')) continue;
      files.set(name, { type, content: readFileSync(join(root, folder, name)) });
    }
  }
  return files;
}

/** `check` throws for who may not have them. */
export function serveConsoleFiles(
  server: FastifyInstance<Server>,
  check: (request: FastifyRequest) => void,
): void {
  const files = readConsoleFiles();
  const onRequest = async (request: FastifyRequest) => check(request);
  server.get('/', { onRequest }, (_request, reply) => reply.redirect(CONSOLE_PATH, 302));
  server.get(`${CONSOLE_PATH}:name`, { onRequest }, (request, reply) => {
    const { name } = request.params as { name: string };
    const file = files.get(name === '' ? 'index.html' : name);
    if (!file) throw new DaosError('DER_NONEXIST', 'the console has no such file');
    return reply.headers(CONSOLE_HEADERS).type(file.type).send(file.content);
  });
}
