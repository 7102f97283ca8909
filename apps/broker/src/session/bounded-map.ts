/** A map that keeps at least the `most` entries looked at last, and at most twice as many. */
export class BoundedMap<Key, Value> {
  readonly #most: number;
  // Two halves, so that looking costs one read: what is looked at in the old half goes to the young one, which becomes the old one when
  // it is full.
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The value of a key; looking keeps it. */
  get(key: Key): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  /** Stores a value. */
  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#most && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** Drops one entry. */
  delete(key: Key): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** How many entries there are; one that stands in both halves counts twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
