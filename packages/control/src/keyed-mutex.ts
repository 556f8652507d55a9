// One after the other under a name, side by side under different names.

export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `action` when all earlier ones under `key` have ended, whether well or not. */
  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(action);
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
