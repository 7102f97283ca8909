import { randomFillSync } from "node:crypto";

const drawnAtOnce = 8192;

/**
 * Random bytes of the system, drawn in larger pieces: each byte is given out once. For the broker's own use: a piece that is given out
 * shares its buffer with those that come after it, which is no plug-in's business.
 */
export function createRandom(): (size: number) => Uint8Array {
  let drawn = new Uint8Array(0);
  let at = 0;
  return (size) => {
    if (size > drawnAtOnce) return randomFillSync(new Uint8Array(size));
    if (at + size > drawn.length) {
      drawn = randomFillSync(new Uint8Array(drawnAtOnce));
      at = 0;
    }
    at += size;
    return drawn.subarray(at - size, at);
  };
}
