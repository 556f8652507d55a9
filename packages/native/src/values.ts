// Keys and values as programs like them.
const decoder = new TextDecoder();

/** A key or value as text (UTF-8); undefined stays undefined. */
export function textOf(bytes: Uint8Array): string;
export function textOf(bytes: Uint8Array | undefined): string | undefined;
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : decoder.decode(bytes);
}

/** An integer key, as objects with 64-bit keys have them, as a number. */
export function integerOf(key: Uint8Array): bigint {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(0, true);
}
