import { readFileSync } from "node:fs";
import { assert, constantFrom, property, record, string, stringMatching } from "fast-check";
import { formatIssues } from "@agentkeys/core";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { config, parseSender, type EmailSettings } from "../src/config.ts";

const from = "AgentKeys <login@acme.example>";
const smtp = { host: "mail.acme.example" };
const ses = { region: "eu-west-1" };

async function issuesOf(section: unknown): Promise<readonly string[]> {
  const { issues } = await config["~standard"].validate(section);
  return formatIssues("auth.email", issues ?? []);
}

async function settingsOf(section: unknown): Promise<EmailSettings> {
  const checked = await config["~standard"].validate(section);
  if (checked.issues !== undefined) throw new Error(formatIssues("auth.email", checked.issues).join("; "));
  return checked.value;
}

describe("the section [auth.email]", () => {
  it("may be empty: then there is no transport, and links would live ten minutes", async () => {
    expect(await settingsOf({})).toEqual({ linkSeconds: 600, sender: undefined, smtp: undefined, ses: undefined });
  });

  it("takes each example of the README", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const examples = [...readme.matchAll(/^```toml\n(.*?)^```/gmsu)].map(([, toml = ""]) => parse(toml));
    expect(examples).toHaveLength(2);
    for (const example of examples) {
      expect(await issuesOf((example["auth"] as { email: unknown }).email)).toEqual([]);
    }
  });

  it.each([
    [{}, "starttls", 587],
    [{ port: 2525 }, "starttls", 2525],
    [{ port: 465 }, "tls", 465],
    [{ security: "tls" }, "tls", 465],
    [{ security: "starttls", port: 465 }, "starttls", 465],
  ])("encrypts by default (%j)", async (options, security, port) => {
    const settings = await settingsOf({ from, transport: "smtp", smtp: { ...smtp, ...options } });
    expect(settings.smtp).toMatchObject({ security, port, login: undefined });
  });

  it.each(["localhost", "127.0.0.1", "127.8.9.10", "::1"])("lets plain text go to %s", async (host) => {
    expect(await issuesOf({ from, transport: "smtp", smtp: { host, security: "none" } })).toEqual([]);
  });

  const full = { from, transport: "smtp", smtp };
  it.each<[unknown, readonly string[]]>([
    [{ transport: "smtp", smtp }, ["auth.email.from: expected together with transport"]],
    [{ from }, ["auth.email.from: expected together with transport"]],
    [{ from, transport: "smtp" }, ['auth.email.smtp: expected exactly when transport = "smtp"']],
    [{ smtp }, ['auth.email.smtp: expected exactly when transport = "smtp"']],
    [{ ...full, ses }, ['auth.email.ses: expected exactly when transport = "ses"']],
    [
      { from, transport: "ses", smtp },
      [
        'auth.email.smtp: expected exactly when transport = "smtp"',
        'auth.email.ses: expected exactly when transport = "ses"',
      ],
    ],
    [{ ...full, from: "acme" }, ['auth.email.from: expected a sender such as "AgentKeys <login@acme.com>"']],
    [
      { ...full, smtp: { ...smtp, security: "none" } },
      ['auth.email.smtp.security: expected "tls" or "starttls": only a loopback host is spoken to in plain text'],
    ],
    [
      { ...full, smtp: { host: "127.evil.example", security: "none" } },
      ['auth.email.smtp.security: expected "tls" or "starttls": only a loopback host is spoken to in plain text'],
    ],
    [
      { ...full, smtp: { ...smtp, username: "u" } },
      ["auth.email.smtp.password: expected username and password together"],
    ],
    [
      { ...full, smtp: { ...smtp, username: "u", password: "p" } },
      ['auth.email.smtp.password: expected a reference { file = "…" } or { env = "…" }, never the secret itself'],
    ],
    [{ ...full, smtp: { host: "a b" } }, ["auth.email.smtp.host: expected a host name or an IP address"]],
    [
      { from, transport: "ses", ses: { ...ses, access_key_id: "A" } },
      ["auth.email.ses.secret_access_key: expected access_key_id and secret_access_key together"],
    ],
    [
      { from, transport: "ses", ses: { region: "Europe" } },
      ["auth.email.ses.region: expected a region such as eu-west-1"],
    ],
    [
      { from, transport: "ses", ses: { ...ses, endpoint: "http://ses.evil.example" } },
      ["auth.email.ses.endpoint: expected an https URL, or http to a loopback address"],
    ],
    ...["0s", "59s", "46m", "61500ms", "ten"].map((ttl): [unknown, readonly string[]] => [
      { link_ttl: ttl },
      ['auth.email.link_ttl: expected a duration from "1m" to "45m"'],
    ]),
  ])("refuses %j and says where", async (section, issues) => {
    expect(await issuesOf(section)).toEqual(issues);
  });

  it.each([{ color: "red" }, { ...full, smtp: { ...smtp, pool: true } }, { ...full, transport: "pigeon" }, "smtp", 1])(
    "refuses what nothing reads: %j",
    async (section) => {
      expect(await issuesOf(section)).toHaveLength(1);
    },
  );

  it("takes an endpoint of SES over https, and over http on loopback", async () => {
    for (const endpoint of ["https://email.eu-west-1.amazonaws.com", "http://127.0.0.1:8005", "http://[::1]:8005"]) {
      expect(await issuesOf({ from, transport: "ses", ses: { ...ses, endpoint } })).toEqual([]);
    }
  });
});

describe("the sender", () => {
  it.each([
    ["login@acme.example", { name: "", address: "login@acme.example" }],
    ["<login@acme.example>", { name: "", address: "login@acme.example" }],
    ["AgentKeys <Login@Acme.example>", { name: "AgentKeys", address: "Login@Acme.example" }],
    ["Acme, Schlüsseldienst <a@b.example>", { name: "Acme, Schlüsseldienst", address: "a@b.example" }],
  ])("of %s is read", (text, sender) => {
    expect(parseSender(text)).toEqual(sender);
  });

  it.each([
    "",
    "acme",
    "A <a@b.example",
    "A <a@b.example> B",
    "A <a@b.example>\r\nBcc: eve@evil.example",
    "A\r\nBcc: eve@evil.example <a@b.example>",
    'A" <a@b.example>',
    "A <jürgen@b.example>",
    `${"é".repeat(23)} <a@b.example>`,
    "a@b.example, eve@evil.example",
  ])("of %j is refused", (text) => {
    expect(parseSender(text)).toBeUndefined();
  });

  it("comes back from the way it is written", () => {
    const senders = record({
      name: stringMatching(/^[A-Za-z]([A-Za-z ,.]{0,20}[A-Za-z])?$/u),
      address: constantFrom("login@acme.example", "Login+1@mail.acme.example"),
    });
    assert(
      property(senders, (sender) => {
        expect(parseSender(`${sender.name} <${sender.address}>`)).toEqual(sender);
      }),
    );
  });

  it("never holds what could end a header, whatever the text is", () => {
    const texts = string({ unit: "binary" }).map((name) => `${name} <a@b.example>`);
    assert(
      property(texts, (text) => {
        const sender = parseSender(text) ?? { name: "", address: "" };
        expect(`${sender.name}${sender.address}`).not.toMatch(/[\p{Cc}"\\<>]/u);
        expect(Buffer.byteLength(sender.name)).toBeLessThanOrEqual(45);
      }),
    );
  });
});
