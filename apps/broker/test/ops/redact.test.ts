import { randomBytes } from "node:crypto";
import { toCrockford } from "@agentkeys/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLogger, logLevels } from "../../src/ops/logger.ts";
import { redacted } from "../../src/ops/redact.ts";
import { newSecret, newUserCode } from "../../src/flows/secret.ts";

const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size));
const jws = [{ alg: "ES256" }, { sub: "agent:x" }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
  .join(".");

const secrets = {
  "a token": () => `${jws}.${newSecret(random)}${newSecret(random)}`,
  "a token's unsigned part": () => jws,
  "a refresh token": () => `ses_${toCrockford(random(16))}.${newSecret(random)}`,
  "a poll token": () => newSecret(random),
  "a device code": () => newSecret(random),
  "a user code": () => newUserCode(random),
  "a claim code": () => toCrockford(random(16)),
  "a claim code as typed": () => toCrockford(random(16)).toUpperCase(),
  "a wallet signature": () => `0x${randomBytes(65).toString("hex")}`,
  "a private key in hex": () => `0x${randomBytes(32).toString("hex")}`,
  "a private key in PEM": () =>
    `-----BEGIN PRIVATE KEY-----\n${randomBytes(48).toString("base64")}\n-----END PRIVATE KEY-----`,
};

test.each(Object.entries(secrets))("%s is in no line, wherever it stands in it", (_, make) => {
  fc.assert(
    fc.property(fc.constantFrom(" ", '"', "'", "=", ": ", "\n", "(", "#token="), (before) => {
      const lines: string[] = [];
      const secret = make();
      const text = `it said ${before}${secret} to us`;
      createLogger(
        (line) => lines.push(line),
        () => 0,
      ).warn(`smtp.${text}`, { reason: text, deep: [{ more: text }] });
      const line = lines.join("");
      expect(line).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(line.split(redacted).length).toBeGreaterThan(3);
    }),
  );
});

test("a member that is named like a secret is not written, whatever it holds", () => {
  const lines: string[] = [];
  createLogger(
    (line) => lines.push(line),
    () => 0,
  ).warn("x", { password: "hunter2", poll_token: "t", user_code: 7 });
  expect(lines.join("")).not.toMatch(/hunter2|"t"|:7/u);
});

test("what is public stays readable: ids, accounts, log ids, addresses, paths, codes of errors", () => {
  const facts = {
    request_id: "req_06d2m4k8q1v5z7x9b3c6f8h0jn",
    account: "ab".repeat(32),
    address: `0x${"12".repeat(20)}`,
    record: "01890a5d-ac96-774b-bcce-b302099a8057",
    path: "/var/lib/agentkeys/data/audit-sqlite/log-keys.json",
    code: "ERR_GRANT_DENIED",
    origin: "keys.acme.com/audit/0a1b2c3d/1",
  };
  const lines: string[] = [];
  createLogger(
    (line) => lines.push(line),
    () => 0,
  ).info("x", facts);
  expect(JSON.parse(lines.join(""))).toMatchObject(facts);
});

test.each(logLevels)("from level %s on, no line of a lower one is written", (level) => {
  const lines: string[] = [];
  const logger = createLogger(
    (line) => lines.push(line),
    () => 0,
    level,
  );
  for (const each of logLevels) logger[each]("x");
  const written = lines.map((line) => (JSON.parse(line) as { level: string }).level);
  expect(written).toEqual(logLevels.slice(logLevels.indexOf(level)));
  expect(logLevels.filter((each) => logger.writes(each))).toEqual(written);
});
