import { describe, expect, test } from '@jest/globals';
import { AnswerReader, CommandWriter } from './command.js';

function written(write: (command: CommandWriter) => void, size = 64): Uint8Array {
  let bytes = new Uint8Array(size);
  const command = new CommandWriter(bytes, (grown) => (bytes = grown as Uint8Array<ArrayBuffer>));
  write(command.begin());
  return bytes.subarray(0, command.size);
}

function codeOf(write: (command: CommandWriter) => void): string | undefined {
  const command = new CommandWriter(new Uint8Array(64), () => undefined);
  write(command.begin());
  return command.failure?.code;
}

describe('native/command', () => {
  test('what is written is read back', () => {
    const oid = 2n ** 127n + 5n;
    const reader = new AnswerReader(
      written((command) =>
        command
          .u8(7)
          .boolean(true)
          .u32(0xffff_fffe)
          .u64(2 ** 52 + 1)
          .u64(2n ** 63n)
          .objectId(oid)
          .text('grün')
          .bytes(Uint8Array.of(1, 2)),
      ),
    );
    expect([reader.u8(), reader.u8(), reader.u32(), reader.size(), reader.u64()]).toEqual([
      7,
      1,
      0xffff_fffe,
      2 ** 52 + 1,
      2n ** 63n,
    ]);
    expect(reader.objectId()).toBe(oid);
    expect(reader.text()).toBe('grün');
    expect(reader.bytes()).toEqual(Uint8Array.of(1, 2));
    expect(reader.isAtEnd).toBe(true);
  });

  test('the buffer grows and keeps what was written', () => {
    const text = 'x'.repeat(1000);
    const reader = new AnswerReader(
      written((command) => command.u32(9).text(text).text('é'.repeat(300)), 8),
    );
    expect(reader.u32()).toBe(9);
    expect(reader.text()).toBe(text);
    expect(reader.text()).toBe('é'.repeat(300));
  });

  test('numbers outside of 64 unsigned bits are refused', () => {
    for (const value of [-1, 0.5, 2 ** 53, -1n, 2n ** 64n]) {
      expect(codeOf((command) => command.u64(value))).toBe('DER_INVAL');
    }
    expect(codeOf((command) => command.objectId(2n ** 128n))).toBe('DER_INVAL');
    expect(codeOf((command) => command.u64(2n ** 64n - 1n))).toBeUndefined();
  });

  test('a key is text, bytes or a number, and neither empty nor over the limit', () => {
    expect([...written((command) => command.key(258n))]).toEqual([
      8, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0,
    ]);
    expect(codeOf((command) => command.key(''))).toBe('DER_INVAL');
    expect(codeOf((command) => command.key(undefined as unknown as string))).toBe('DER_INVAL');
    expect(codeOf((command) => command.key(5 as unknown as string))).toBe('DER_INVAL');
    expect(codeOf((command) => command.key(new Uint8Array(70_000)))).toBe('DER_KEY2BIG');
  });
});
