import { request } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveMetrics } from "../../src/ops/metrics-listener.ts";
import { createRegistry } from "../../src/ops/registry.ts";
import { freePort } from "../flows/harness.ts";

let port: number;
let served: Awaited<ReturnType<typeof serveMetrics>>;
beforeEach(async () => {
  port = await freePort();
  const registry = createRegistry();
  registry.counter({ name: "n_total", help: "N." }).with().add();
  served = await serveMetrics(registry, { host: "127.0.0.1", port, hosts: ["broker.internal"] });
});
afterEach(() => served.close());

function send(host: string, path = "/metrics", method = "GET"): Promise<{ status?: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, method, headers: { host } }, (answer) => {
      let text = "";
      answer.on("data", (part: Buffer) => (text += part.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
    })
      .on("error", reject)
      .end();
  });
}

test.each(["127.0.0.1:9464", "localhost:9464", "LOCALHOST", "[::1]:9464", "10.1.2.3", "broker.internal:9464"])(
  "it serves the metrics to who asks for %s",
  async (host) => {
    expect(await send(host)).toEqual({ status: 200, text: "# HELP n_total N.\n# TYPE n_total counter\nn_total 1\n" });
  },
);

test.each(["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "localhost.evil.example:1", "[evil]"])(
  "a browser that was led here by the name %j gets nothing",
  async (host) => {
    const answer = await send(host);
    expect(answer.status).toBe(421);
    expect(answer.text).not.toContain("n_total");
  },
);

test("there is nothing else, and nothing to change", async () => {
  expect((await send("localhost", "/")).status).toBe(404);
  expect((await send("localhost", "/metrics?x")).status).toBe(404);
  expect((await send("localhost", "/metrics", "POST")).status).toBe(405);
});

test("a port that is taken is told as such", async () => {
  await expect(serveMetrics(createRegistry(), { host: "127.0.0.1", port, hosts: [] })).rejects.toMatchObject({
    code: "ERR_CONFIG_LISTEN",
  });
});
