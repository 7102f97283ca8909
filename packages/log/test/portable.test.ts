import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const source = new URL("../src/", import.meta.url);

it.each(readdirSync(source))("%s uses nothing that a browser lacks", (file) => {
  const text = readFileSync(new URL(file, source), "utf8");
  expect(text).not.toMatch(/from "node:|\bBuffer\.|\bprocess\.|\brequire\(/u);
});
