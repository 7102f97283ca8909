// Configurations that would boot into something else than the newcomer meant.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { defaultLimits } from "../../src/http/limits.ts";
import { readConfig, type BrokerConfig } from "../../src/boot/read-config.ts";
import { openBroker } from "../flows/harness.ts";

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

test("private hosts that plug-ins may reach are named by host and port, as URLs spell them, and none by default", () => {
  const named = ["node.internal:8545", "10.0.0.5:443", "[fd00::1]:80"];
  expect([...config(`[broker]\nallow_private = ${JSON.stringify(named)}\n`).allowPrivate]).toEqual(named);
  expect(config("").allowPrivate.size).toBe(0);
});

test.each([
  '"node.internal:8545"',
  '["node.internal"]',
  '["node.internal:0"]',
  '["node.internal:65536"]',
  '["node.internal:08545"]',
  '["NODE.internal:8545"]',
  '["010.0.0.5:443"]',
  '["10.5:443"]',
  '["[fd00:0:0::1]:443"]',
  '["fd00::1:443"]',
  '["10.0.0.0/8:443"]',
  '["*:443"]',
  '["https://node.internal:443"]',
  '["me@node.internal:443"]',
  '[":443"]',
  '[""]',
])("private hosts are not allowed by %s", (list) => {
  expect(() => config(`[broker]\nallow_private = ${list}\n`)).toThrow(/broker\.allow_private/u);
});

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

test.each([
  ["[broker]\ntrusted_proxies = ['10.0.0.1/8']", /broker\.trusted_proxies\.0: expected a network/u],
  ["[broker]\ntrusted_proxies = ['*']", /broker\.trusted_proxies\.0: expected a network/u],
  ["[broker]\nforwarded_header = 'x-real-ip'", /broker\.forwarded_header: /u],
  ["[broker]\nhosts = ['*']", /broker\.hosts\.0: expected a host/u],
  ["[broker]\nhosts = ['https://keys.acme.com']", /broker\.hosts\.0: expected a host/u],
  ["[limits]\nfailures = 0", /limits\.failures: /u],
  ["[limits]\nfailures = 1.5", /limits\.failures: /u],
  ["[limits]\nfailure = 5", /limits\.failure: unknown key/u],
  ["[log]\nlevel = 'loud'", /log\.level: /u],
  ["[metrics]", /metrics\.listen: /u],
  ["[metrics]\nlisten = '127.0.0.1:0'", /metrics\.listen: expected a port/u],
  ["[[audit.auditors]]\nname = 'a'\ntoken = 'by value'", /audit\.auditors\.0\.token: expected \{ file/u],
  [
    "[[audit.auditors]]\nname = 'a'\ntoken = { env = 'A' }\n[[audit.auditors]]\nname = 'a'\ntoken = { env = 'B' }",
    /audit\.auditors: expected no name twice/u,
  ],
])("%j is refused by its path", (toml, issue) => {
  expect(() => config(`${toml}\n`)).toThrow(issue);
});

test("without a word about it nothing is trusted, nothing is measured, and every limit is in force", () => {
  const { trustedProxies, hosts, metrics, auditors, limits } = config("");
  expect({ trustedProxies, hosts, metrics, auditors }).toEqual({
    trustedProxies: [],
    hosts: [],
    metrics: undefined,
    auditors: [],
  });
  expect(limits).toEqual({ ...defaultLimits, requests: 512, connections: 2048 });
});

test.each([
  'gate = ["local"]',
  'settle = { k = 1, of = ["w1"] }',
  'lag = { max_age = "30m" }',
  'require = "witnessed"',
])("an audit policy that nothing reads is refused: %s", (line) => {
  expect(() => config(`[audit]\n${line}\n`)).toThrow(/audit\.(gate|settle|lag|require)/u);
});

test("rights and ceilings that their issuer can never serve are refused at the start, each by its path", async () => {
  const row = (table: string, actions: string, resources: string): string =>
    `[[${table}]]\n${table === "rights" ? 'who = { role = "operator" }\n' : ""}issuer = "oidc"\nscope = { actions = [${actions}], resources = [${resources}] }\nmax_ttl = "1h"\n`;
  const good = row("rights", '"token", "read"', '"https://*", "https://a.example"');
  const wrong = row("rights", '"read"', '"https://*"') + row("ceiling", '"write"', '"https://*"');
  await expect(openBroker(good + wrong)).rejects.toThrow(/rights\.1\.scope: [\s\S]*ceiling\.0\.scope: /u);
  await (await openBroker(good)).close();
});
