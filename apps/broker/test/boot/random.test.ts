import { expect, test } from "vitest";
import { createRandom } from "../../src/boot/random.ts";

test("every size asked for is given, and no byte is given twice or zero for want of drawing", () => {
  const random = createRandom();
  const sizes = Array.from({ length: 3000 }, (_, at) => (at % 700 === 0 ? 9000 : 16));
  const given = sizes.map((size) => random(size));
  expect(given.map((bytes) => bytes.length)).toStrictEqual(sizes);
  expect(new Set(given.map((bytes) => Buffer.from(bytes).toString("hex"))).size).toBe(sizes.length);
});

test("what was given stays as it is while more is drawn", () => {
  const random = createRandom();
  const first = random(16);
  const before = Buffer.from(first).toString("hex");
  for (let drawn = 0; drawn < 2000; drawn++) random(16);
  expect(Buffer.from(first).toString("hex")).toBe(before);
});
