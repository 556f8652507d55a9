// Goal:   the console shows what is there, to those who may see it, and changes nothing.
// Method: a real system with certificates; Debian's Chromium, driven by Playwright. Without
//         Chromium the tests fail: tools/deps installs it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@daos/client';
import type { ControlClient } from '@daos/control/client';
import { makeObjectId } from '@daos/model';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { makeDmg } from './dmg.js';
import { outcomeOf, TestSystem } from './system-fixture.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) =>
  existsSync(path),
);
const MIB = 2 ** 20;
const SEEN_MS = 60_000;
const SAY_MS = 100;
const NETWORK_CHANGED = 'net::ERR_NETWORK_CHANGED';
const LOAD_COUNT_MAX = 10;

let system: TestSystem;
let admin: ControlClient;
let browser: Browser;
let context: BrowserContext | undefined;

interface Token {
  token: string;
  url: string;
}

async function newToken(): Promise<Token> {
  const { output } = await system.run(makeDmg, ['-j', 'console', 'token']);
  return (JSON.parse(output) as { response: Token }).response;
}

/** A page of a browser of its own, which fails on anything that is not of the console's origin. */
async function open(url: string, options: object = {}): Promise<Page> {
  context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const { origin } = new URL(url);
  await context.route('**', (route) =>
    route.request().url().startsWith(origin) ? route.continue() : route.abort(),
  );
  const page = await context.newPage();
  await load(page, () => page.goto(url));
  return page;
}

/** Whole: a browser drops what it loads when an interface of the host comes or goes meanwhile. */
async function load(page: Page, start: () => Promise<unknown>): Promise<void> {
  let isWhole = false;
  page.on('requestfailed', (request) => {
    if (request.failure()?.errorText === NETWORK_CHANGED) isWhole = false;
  });
  for (let attempt = 0; attempt < LOAD_COUNT_MAX && !isWhole; attempt++) {
    isWhole = true;
    await start().catch((error: unknown) => {
      if (!/ERR_NETWORK_CHANGED|interrupted by another navigation/.test(String(error))) throw error;
      isWhole = false;
    });
  }
}

async function logIn({ token, url }: Token): Promise<Page> {
  const page = await open(url);
  await page.getByLabel('Token').fill(token);
  const answer = page.waitForResponse((response) => response.url().endsWith('/login'));
  answer.catch(() => {});
  const button = page.getByRole('button', { name: 'Log in' });
  await button.click();
  const lost = page.getByText('No answer, try again').waitFor().then(() => button.click());
  await Promise.race([answer, lost]);
  lost.catch(() => {});
  return page;
}

beforeAll(async () => {
  if (CHROMIUM === undefined) {
    throw new Error('there is no Chromium: tools/deps installs it, or `apt install chromium`');
  }
  system = await TestSystem.start({ engineCount: 2, isSecure: true, control: 'console_port: 0' });
  admin = system.admin();
  await admin.call('createPool', { body: { label: 'tank', size: 512 * MIB } });
  await admin.call('createContainer', { params: { pool: 'tank' }, body: { label: 'box' } });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
});

afterEach(async () => {
  await context?.close();
  context = undefined;
});

afterAll(async () => {
  await browser?.close();
  await system?.stop();
});

describe('cli/console', () => {
  test('a token lets one browser in, once', async () => {
    const token = await newToken();
    const page = await logIn(token);
    await page.getByText('2 of 2 ranks serve').waitFor({ timeout: SEEN_MS });
    await load(page, () => page.reload());
    await page.getByText('2 of 2 ranks serve').waitFor({ timeout: SEEN_MS });
    await context?.close();
    const second = await logIn(token);
    await second.getByText('not, or no longer, right').waitFor({ timeout: SEEN_MS });
    expect(await second.getByText('ranks serve').isVisible()).toBe(false);
  });

  test('an administrator with a certificate needs no token', async () => {
    const { origin } = new URL(system.url);
    const part = (name: string) => join(system.certificates, name);
    const page = await open(`${system.url}/console/`, {
      clientCertificates: [{ origin, certPath: part('admin.crt'), keyPath: part('admin.key') }],
    });
    await page.getByText('2 of 2 ranks serve').waitFor({ timeout: SEEN_MS });
  });

  test('ranks, hosts, pools, containers and events are shown, and charts move', async () => {
    const page = await logIn(await newToken());
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    const pool = page.locator('article[data-pool="tank"]');
    await pool.waitFor({ timeout: SEEN_MS });
    // Each part of the page comes with an answer of its own.
    for (const part of [page.locator('#hosts tbody tr').first(), pool.locator('meter').nth(1)]) {
      await part.waitFor({ timeout: SEEN_MS });
    }
    expect(await page.locator('#ranks tbody tr').count()).toBe(2);
    expect(await page.locator('#hosts tbody tr').count()).toBe(1);
    expect(await pool.locator('meter').count()).toBe(2);
    await pool.getByText('Containers', { exact: true }).last().click();
    await pool.getByText('box').waitFor({ timeout: SEEN_MS });
    await using client = await Client.connect({ control: admin });
    await using opened = await client.openPool('tank');
    await using container = await opened.openContainer('box');
    const oid = makeObjectId({ user: 1n, type: 'MULTI_LEXICAL', objectClass: 'SX' });
    let isWriting = true;
    const writing = (async () => {
      for (let i = 0; isWriting; i++) await container.object(oid).update(`${i}`, 'a', 'value');
    })();
    await pool.getByText(/update [1-9]\d*\/s/).waitFor({ timeout: SEEN_MS });
    const points = await pool.locator('polyline.series0').first().getAttribute('points');
    expect(points).toMatch(/^\d+,[\d.]+( \d+,[\d.]+)*$/);
    isWriting = false;
    await writing;
    await admin.call('createContainer', { params: { pool: 'tank' }, body: { label: 'bag' } });
    const event = page.locator('#events').getByText('container bag is ready');
    await event.waitFor({ timeout: SEEN_MS });
    await admin.call('excludeRank', { params: { rank: 1 } });
    await page.getByText('1 of 2 ranks serve').waitFor({ timeout: SEEN_MS });
    await admin.call('clearExcludedRank', { params: { rank: 1 } });
    await page.getByText('2 of 2 ranks serve').waitFor({ timeout: SEEN_MS });
    expect(errors).toEqual([]);
  });

  test('who is not logged in gets the page alone, and nobody changes anything', async () => {
    const { url, token } = await newToken();
    const page = await open(url);
    const status = (path: string, method = 'GET', body?: object) =>
      page.evaluate(
        async ([to, how, what]) => {
          const headers = { 'content-type': 'application/json' };
          const sent = what === undefined ? {} : { headers, body: JSON.stringify(what) };
          return (await fetch(to, { method: how, ...sent })).status;
        },
        [path, method, body] as const,
      );
    const reading = ['/v1/pools', '/v1/ranks', '/v1/events?topic=pools', '/v1/storage/hosts'];
    for (const path of reading) expect([path, await status(path)]).toEqual([path, 403]);
    expect(await status('/console/login', 'POST', { token: 'x'.repeat(43) })).toBe(403);
    expect(await status('/console/login', 'POST', { token })).toBe(200);
    expect(await status('/v1/pools')).toBe(200);
    for (const [method, path] of [
      ['POST', '/v1/pools'],
      ['DELETE', '/v1/pools/tank'],
      ['POST', '/v1/system/stop'],
      ['POST', '/v1/console/tokens'],
      ['GET', '/v1/pools/tank/containers/box/capability'],
      ['GET', '/v1/pools/tank/acl'],
      ['GET', '/console/..%2Fpackage.json'],
      ['GET', '/console/%2e%2e/%2e%2e/etc/passwd'],
    ] as const) {
      expect([method, path, await status(path, method)]).toEqual([method, path, 404]);
    }
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  test('a name that looks like markup is shown as it is', async () => {
    const page = await logIn(await newToken());
    // A label can't hold it; what a rank says of itself can. Its server has it join again at once,
    // so it is said until it is seen.
    const reason = '<img src=x onerror="document.title=1">';
    const saying = setInterval(() => {
      const body = { state: 'suspect' as const, reason };
      void admin.call('leaveRank', { params: { rank: 1 }, body }).catch(() => undefined);
    }, SAY_MS);
    const seen = page.locator('#ranks').getByText('<img src=x');
    await seen.waitFor({ timeout: SEEN_MS }).finally(() => clearInterval(saying));
    expect(await page.locator('#ranks img').count()).toBe(0);
    expect(await page.title()).toBe('DAOS');
  });

  test('without a port of its own the console takes no tokens, and says so', async () => {
    await using plain = await TestSystem.start();
    expect(await outcomeOf(plain.admin().call('issueConsoleToken'))).toBe('DER_NOSYS');
    const page = await open(`${plain.url}/`);
    await page.getByText('1 of 1 ranks serve').waitFor({ timeout: SEEN_MS });
  });
});
