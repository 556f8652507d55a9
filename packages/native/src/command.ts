// The parameters of one call to the native core: little-endian numbers and length-prefixed bytes,
// one after the other, in a buffer that the addon shares. native/node/command.h is the reading
// side.
import { DaosError, KEY_SIZE_MAX, type ObjectId } from '@daos/model';
import { uuidBytes } from './uuid.js';

/**
 * A dkey or akey: text (UTF-8), bytes, or an unsigned 64-bit number for objects with integer keys.
 */
export type Key = string | Uint8Array | bigint;

const U64_MASK = 2n ** 64n - 1n;
/** 16 bytes of the trace, 8 of the span. */
const TRACE_SIZE = 24;
const ASCII_MAX = 0x7f;
const encoder = new TextEncoder();

export class CommandWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #size = 0;
  #failure: DaosError | undefined;
  // The halves of the last object id: calls mostly go to the same object again.
  #oid = 0n;
  #oidLow = 0n;
  #oidHigh = 0n;
  readonly #onGrow: (bytes: Uint8Array) => void;

  /** @param onGrow is told each buffer that replaces one which was too small. */
  constructor(bytes: Uint8Array, onGrow: (bytes: Uint8Array) => void) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#onGrow = onGrow;
  }

  get size(): number {
    return this.#size;
  }

  /** What was wrong with a parameter since begin(), if anything: the call is not to be made. */
  get failure(): DaosError | undefined {
    return this.#failure;
  }

  /** Starts the parameters of the next call. */
  begin(): this {
    this.#size = 0;
    this.#failure = undefined;
    return this;
  }

  u8(value: number): this {
    this.#bytes[this.#reserve(1)] = value;
    return this;
  }

  boolean(value: boolean | undefined): this {
    return this.u8(value === true ? 1 : 0);
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  /** A safe integer or a bigint; fails with DER_INVAL outside of 64 unsigned bits. */
  u64(value: number | bigint): this {
    const at = this.#reserve(8);
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value) || value < 0) return this.#failAt(notUnsigned(value));
      this.#view.setUint32(at, value % 0x1_0000_0000, true);
      this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
    } else {
      if (value < 0n || value > U64_MASK) return this.#failAt(notUnsigned(value));
      this.#view.setBigUint64(at, value, true);
    }
    return this;
  }

  objectId(oid: ObjectId): this {
    const at = this.#reserve(16);
    if (oid !== this.#oid) {
      if (oid < 0n || oid >> 128n !== 0n) {
        return this.#failAt(new DaosError('DER_INVAL', `an object id has 128 bits: ${oid}`));
      }
      this.#oid = oid;
      this.#oidLow = oid & U64_MASK;
      this.#oidHigh = oid >> 64n;
    }
    this.#view.setBigUint64(at, this.#oidLow, true);
    this.#view.setBigUint64(at + 8, this.#oidHigh, true);
    return this;
  }

  /** 16 bytes; fails with DER_INVAL unless in the form 8-4-4-4-12. */
  uuid(text: string): this {
    const value = uuidBytes(text);
    if (value === undefined)
      return this.#failAt(new DaosError('DER_INVAL', `'${text}' is no UUID`));
    this.#bytes.set(value, this.#reserve(value.byteLength));
    return this;
  }

  /**
   * Which span the call belongs to, in hexadecimal: the last parameter of an operation on an
   * object. Whoever writes it samples the trace.
   */
  trace(traceId: string, spanId: string): this {
    this.#bytes.set(Buffer.from(traceId + spanId, 'hex'), this.#reserve(TRACE_SIZE));
    return this;
  }

  bytes(value: Uint8Array): this {
    const size = value.byteLength;
    const at = this.#reserve(4 + size);
    this.#view.setUint32(at, size, true);
    this.#bytes.set(value, at + 4);
    return this;
  }

  /** UTF-8. */
  text(value: string): this {
    const length = value.length;
    const at = this.#reserve(4 + length);
    // Keys are mostly short ASCII: this loop is several times faster than a TextEncoder.
    for (let i = 0; i < length; ++i) {
      const code = value.charCodeAt(i);
      if (code > ASCII_MAX) {
        this.#size = at;
        return this.bytes(encoder.encode(value));
      }
      this.#bytes[at + 4 + i] = code;
    }
    this.#view.setUint32(at, length, true);
    return this;
  }

  /** Fails with DER_INVAL for an empty key, DER_KEY2BIG for one over KEY_SIZE_MAX. */
  key(value: Key): this {
    const start = this.#size;
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'bigint') this.u32(8).u64(value);
    else if (ArrayBuffer.isView(value)) this.bytes(value);
    else {
      const message = `a key is text, a Uint8Array or a bigint, not ${typeof value}`;
      return this.#failAt(new DaosError('DER_INVAL', message));
    }
    const size = this.#size - start - 4;
    if (size === 0) return this.#failAt(new DaosError('DER_INVAL', 'a key is empty'));
    if (size > KEY_SIZE_MAX) {
      const message = `a key has ${size} bytes; at most ${KEY_SIZE_MAX} are allowed`;
      return this.#failAt(new DaosError('DER_KEY2BIG', message));
    }
    return this;
  }

  #failAt(failure: DaosError): this {
    this.#failure ??= failure;
    return this;
  }

  /** Returns where `size` bytes may be written. */
  #reserve(size: number): number {
    const at = this.#size;
    this.#size = at + size;
    if (this.#size > this.#bytes.byteLength) this.#grow();
    return at;
  }

  #grow(): void {
    const grown = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#size));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    this.#onGrow(grown);
  }
}

function notUnsigned(value: number | bigint): DaosError {
  return new DaosError('DER_INVAL', `${value} is no unsigned 64-bit number`);
}

/** Reads what the core answers in the same form. */
export class AnswerReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // Not as a Buffer: its slice() does not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#skip(8), true);
  }

  /** A number up to 2^53. */
  size(): number {
    return Number(this.u64());
  }

  objectId(): ObjectId {
    const low = this.u64();
    return (this.u64() << 64n) | low;
  }

  /** A view of the answer, not a copy. */
  bytes(): Uint8Array {
    const size = this.u32();
    const at = this.#skip(size);
    return this.#bytes.subarray(at, at + size);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  #skip(size: number): number {
    const at = this.#at;
    this.#at += size;
    return at;
  }
}

/** Reads a count and so many of what `readOne` reads. */
export function listOf<T>(readOne: (answer: AnswerReader) => T): (answer: AnswerReader) => T[] {
  return (answer) => Array.from({ length: answer.u32() }, () => readOne(answer));
}
