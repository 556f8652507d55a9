// UUIDs as text on the side of JavaScript, as 16 bytes on the core's.

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Undefined unless `text` has the form 8-4-4-4-12 in hexadecimal. */
export function uuidBytes(text: string): Uint8Array | undefined {
  if (!FORM.test(text)) return undefined;
  return Uint8Array.from(Buffer.from(text.replaceAll('-', ''), 'hex'));
}
