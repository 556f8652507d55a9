// Memory for values whose size isn't known before they are read.
//
// Small values are copied out of a buffer that is used again; a value that fills at least half of
// its buffer is handed out where it is. The buffers follow the sizes that were seen last.

const SIZE_MIN = 4096;
const IDLE_COUNT_MAX = 256;

export class FetchBuffers {
  readonly #idle: Uint8Array[] = [];
  #sizeWanted = SIZE_MIN;

  /** A buffer for a value that is probably as large as the last. */
  take(): Uint8Array {
    const idle = this.#idle.pop();
    if (idle !== undefined && idle.byteLength >= this.#sizeWanted) return idle;
    // Not zeroed: every byte that is handed out was written before.
    return new Uint8Array(Buffer.allocUnsafeSlow(this.#sizeWanted).buffer);
  }

  /**
   * The value of `size` bytes at the start of `buffer`; undefined for none; null when the buffer
   * was too small, so that another one must be taken.
   */
  use(buffer: Uint8Array, size: number): Uint8Array | undefined | null {
    if (size > buffer.byteLength) {
      this.#sizeWanted = Math.max(SIZE_MIN, size);
      this.#recycle(buffer);
      return null;
    }
    if (size * 2 >= buffer.byteLength) return buffer.subarray(0, size);
    if (size * 2 < this.#sizeWanted) this.#sizeWanted = Math.max(SIZE_MIN, size);
    const value = size === 0 ? undefined : buffer.slice(0, size);
    this.#recycle(buffer);
    return value;
  }

  #recycle(buffer: Uint8Array): void {
    if (buffer.byteLength === this.#sizeWanted && this.#idle.length < IDLE_COUNT_MAX) {
      this.#idle.push(buffer);
    }
  }
}
