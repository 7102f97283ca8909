import { expect, test } from "vitest";
import { createRegistry } from "../../src/ops/registry.ts";

test("counters, gauges and histograms are written as Prometheus reads them (text format 0.0.4)", () => {
  const registry = createRegistry();
  const counter = registry.counter({ name: "mints_total", help: "Mints.", labels: ["issuer", "code"] });
  counter.with("oidc", "ok").add();
  counter.with("oidc", "ok").add(2);
  counter.with('a"b\\c\nd', "ok").add();
  registry.gauge({ name: "depth", help: "Depth." }).with().set(-1.5);
  const histogram = registry.histogram({ name: "time_seconds", help: "Time.", labels: ["step"], buckets: [0.1, 1] });
  for (const value of [0.1, 0.5, 7]) histogram.with("record").observe(value);
  expect(registry.text()).toBe(`# HELP mints_total Mints.
# TYPE mints_total counter
mints_total{issuer="oidc",code="ok"} 3
mints_total{issuer="a\\"b\\\\c\\nd",code="ok"} 1
# HELP depth Depth.
# TYPE depth gauge
depth -1.5
# HELP time_seconds Time.
# TYPE time_seconds histogram
time_seconds_bucket{step="record",le="0.1"} 1
time_seconds_bucket{step="record",le="1"} 2
time_seconds_bucket{step="record",le="+Inf"} 3
time_seconds_sum{step="record"} 7.6
time_seconds_count{step="record"} 3
`);
});

test("a member is made once and found again", () => {
  const counter = createRegistry().counter({ name: "n", help: "N.", labels: ["a", "b"] });
  expect(counter.with("x", "y")).toBe(counter.with("x", "y"));
  expect(counter.with("x", "y")).not.toBe(counter.with("y", "x"));
});

test("a label that holds anything at all cannot fill the memory: beyond a thousand, members share one", () => {
  const registry = createRegistry();
  const counter = registry.counter({ name: "n", help: "N.", labels: ["a"] });
  for (let at = 0; at < 5000; at += 1) counter.with(`v${at}`).add();
  const lines = registry
    .text()
    .split("\n")
    .filter((line) => line.startsWith("n{"));
  expect(lines).toHaveLength(1001);
  expect(lines).toContain('n{a="other"} 4000');
});

test("what is only looked at when it is read is looked at then", () => {
  const registry = createRegistry();
  const gauge = registry.gauge({ name: "g", help: "G." });
  let value = 1;
  registry.collect(() => gauge.with().set(value));
  expect(registry.text()).toContain("g 1\n");
  value = 2;
  expect(registry.text()).toContain("g 2\n");
});
