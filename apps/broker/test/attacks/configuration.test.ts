// Configurations that would boot into something else than the newcomer meant.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readConfig, type BrokerConfig } from "../../src/boot/read-config.ts";

const root = join(import.meta.dirname, "../../.agentkeys-test");
mkdirSync(root, { recursive: true });
const folder = mkdtempSync(join(root, "config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(toml: string): BrokerConfig {
  const file = join(folder, "agentkeys.toml");
  writeFileSync(file, toml);
  return readConfig(file);
}

test.each(["0.0.0.0:8787", "[::]:8787", "192.168.1.4:8787", "broker.example:80"])(
  "listening on %s needs a public_url, so that no token travels in clear text",
  (listen) => {
    expect(() => config(`[broker]\nlisten = "${listen}"\n`)).toThrow(/broker\.public_url: is needed/u);
    const { publicUrl } = config(`[broker]\nlisten = "${listen}"\npublic_url = "https://keys.example"\n`);
    expect(publicUrl).toBe("https://keys.example");
  },
);

test.each([
  ["127.0.0.1:80", "http://127.0.0.1"],
  ["LOCALHOST:8787", "http://localhost:8787"],
  ["127.0.0.1:08787", "http://127.0.0.1:8787"],
])("the public URL of a broker on %s is the origin that browsers send", (listen, origin) => {
  expect(config(`[broker]\nlisten = "${listen}"\n`).publicUrl).toBe(origin);
});

test.each(["http://keys.example", "https://keys.example/", "https://me:pw@keys.example", "https://keys.example?x"])(
  "the public URL %s is refused",
  (url) => {
    expect(() => config(`[broker]\npublic_url = "${url}"\n`)).toThrow(/broker\.public_url: /u);
  },
);

test.each(["0s", "-1h", "1.5h", "500ms", "forever"])("a right for at most %s is refused", (ttl) => {
  expect(() =>
    config(
      `[[rights]]\nwho = { role = "operator" }\nissuer = "oidc"\nscope = { actions = ["token"], resources = ["https://*"] }\nmax_ttl = "${ttl}"\n`,
    ),
  ).toThrow(/rights\.0\.max_ttl: /u);
});

test("a right without max_ttl is refused", () => {
  expect(() =>
    config(
      '[[rights]]\nwho = { role = "operator" }\nissuer = "oidc"\nscope = { actions = ["token"], resources = ["https://*"] }\n',
    ),
  ).toThrow(/rights\.0\.max_ttl: /u);
});
