// A key as people read it: text where it is text, hexadecimal where it is not.

const decoder = new TextDecoder('utf-8', { fatal: true });

export function showKey(key: Uint8Array): string {
  try {
    const text = decoder.decode(key);
    // Control characters would let a key write on the reader's terminal.
    return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => {
      return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
    });
  } catch {
    return `0x${Buffer.from(key).toString('hex')}`;
  }
}
