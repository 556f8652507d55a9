// Finds and loads the addons: the local build first, then the prebuilt package of this platform.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Operations, type BatchBinding } from './operations.js';

export type AddonName = 'client' | 'engine';

/** A loaded addon: its functions, and the operations in flight through it. */
export interface Addon<Binding> {
  readonly name: AddonName;
  readonly binding: Binding & BatchBinding;
  readonly operations: Operations;
}

const require = createRequire(import.meta.url);
const loaded = new Map<AddonName, Addon<unknown>>();

function localPath(name: AddonName): string {
  return fileURLToPath(new URL(`../build/${name}.node`, import.meta.url));
}

function prebuiltName(): string {
  const report = process.report.getReport() as unknown as {
    header: { glibcVersionRuntime?: string };
  };
  const libc =
    process.platform !== 'linux'
      ? ''
      : report.header.glibcVersionRuntime === undefined
        ? '-musl'
        : '-gnu';
  return `@daos/native-${process.platform}-${process.arch}${libc}`;
}

/** Where the addon is, or undefined. */
export function findAddon(name: AddonName): string | undefined {
  const local = localPath(name);
  if (existsSync(local)) return local;
  try {
    const prebuilt = require.resolve(`${prebuiltName()}/${name}.node`);
    return existsSync(prebuilt) ? prebuilt : undefined;
  } catch {
    return undefined;
  }
}

/** The message for a platform without an addon. */
export function missingAddonMessage(name: AddonName): string {
  const prebuilt = prebuiltName();
  return (
    `no native addon '${name}' for this platform: neither a local build at ${localPath(name)} ` +
    `nor the package ${prebuilt}. Install that package (it comes with @daos/native unless ` +
    `optional dependencies are switched off), or build from the repository: tools/deps, then ` +
    `cmake -S native -B build/native -G Ninja && cmake --build build/native --target addons`
  );
}

/**
 * The addon, loaded once for each environment (main thread or worker). `client` is served by the
 * engine's addon where that is loaded already, for it holds everything the client's does, and an
 * engine and a client of one process must share it to talk without a network.
 */
export function loadAddon<Binding>(name: AddonName): Addon<Binding> {
  const known = loaded.get(name) ?? (name === 'client' ? loaded.get('engine') : undefined);
  if (known !== undefined) return known as Addon<Binding>;
  const path = findAddon(name);
  if (path === undefined) throw new Error(missingAddonMessage(name));
  const binding = require(path) as Binding & BatchBinding;
  const addon = { name, binding, operations: new Operations(binding) };
  loaded.set(name, addon);
  return addon;
}
