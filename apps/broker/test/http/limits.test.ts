import { expect, test } from "vitest";
import { createLimits, defaultLimits, type LimitName } from "../../src/http/limits.ts";
import { createMetrics } from "../../src/ops/metrics.ts";
import { createRegistry } from "../../src/ops/registry.ts";

const names = [...Object.keys(defaultLimits), "polls"] as LimitName[];

test.each(names)("%s is enforced as configured, by key, and says so in the metrics", (name) => {
  const registry = createRegistry();
  const config = Object.fromEntries(Object.keys(defaultLimits).map((key) => [key, 3]));
  const limits = createLimits(config as unknown as typeof defaultLimits, () => 0, createMetrics(registry).limited);
  const limit = name === "polls" ? 90 : 3;
  for (let at = 0; at < limit; at += 1) {
    expect(limits.isWithin(name, "a")).toBe(true);
    limits.check(name, "a");
    limits.take(name, "a");
  }
  const refusal = expect.objectContaining({
    code: "ERR_REQUEST_RATE_LIMITED",
    facts: { retryAfter: name === "codes" ? 600 : 60 },
  });
  expect(() => limits.take(name, "a")).toThrow(refusal);
  expect(() => limits.check(name, "a")).toThrow(refusal);
  expect(limits.isWithin(name, "a")).toBe(false);
  limits.take(name, "b");
  expect(registry.text()).toContain(`agentkeys_limited_total{limit="${name}"} 2\n`);
});

test("what is counted afterwards counts, and never throws", () => {
  const limits = createLimits({ ...defaultLimits, failures: 2 }, () => 0, createMetrics(createRegistry()).limited);
  for (let at = 0; at < 5; at += 1) limits.count("failures", "a");
  expect(limits.isWithin("failures", "a")).toBe(false);
});
