import { expect, test } from "vitest";
import { pageStyle } from "../../src/http/pages.ts";

/** What browsers paint behind a page of `color-scheme: light dark`. */
const white = "#ffffff";
const dark = "#121212";

/** Contrast as WCAG 2 reckons it. */
function contrast(left: string, right: string): number {
  const [brighter = 0, darker = 0] = [left, right].map(luminance).toSorted((one, other) => other - one);
  return (brighter + 0.05) / (darker + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test("every colour of text in the pages can be read on its ground, by day and by night", () => {
  const pairs = [...pageStyle.matchAll(/[^-]color: light-dark\((#\w{6}), (#\w{6})\)/gu)];
  expect(pairs.length).toBeGreaterThan(1);
  for (const [, light = "", night = ""] of pairs) {
    expect(contrast(light, white)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(night, dark)).toBeGreaterThanOrEqual(4.5);
  }
  expect(pageStyle.match(/[^-]color: (?!light-dark)[^;]+/gu)).toEqual([" color: #fff"]);
  expect(contrast("#ffffff", /button \{ background: (#\w{6})/u.exec(pageStyle)?.[1] ?? "")).toBeGreaterThanOrEqual(4.5);
});
