import * as v from "valibot";
import { isAgentKeysError, parseDuration, parseScope, type Scope } from "@agentkeys/core";
import { parseNetwork } from "../http/address.ts";
import { defaultLimits } from "../http/limits.ts";
import { logLevels } from "../ops/logger.ts";
import type { Right } from "../steps/rights.ts";

/** A TOML duration (`"1h"`) as whole seconds. */
const duration = v.pipe(
  v.string('expected a duration such as "1h"'),
  v.transform((text) => parseDuration(text)),
  v.number('expected a duration such as "90s", "15m", "1h"'),
  v.integer("expected a duration of whole seconds"),
);

const sectionName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,31}$/u, "expected a lower-case section name"));
const sectionNames = v.pipe(
  v.array(sectionName),
  v.check((names) => new Set(names).size === names.length, "expected no name twice"),
);

const publicUrl = v.pipe(
  v.string(),
  v.check(isPublicUrl, "expected an https URL without path, query or user (http is taken for loopback only)"),
);

/** True for an origin that tokens may travel to: https, or http to loopback. */
export function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isLoopback = url.hostname === "localhost" || url.hostname === "[::1]" || /^127(\.\d+){3}$/u.test(url.hostname);
  return url.origin === text && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback));
}

const listen = v.pipe(
  v.string(),
  v.regex(/^(\[[0-9a-f:]+\]|[a-z0-9.-]+):\d{1,5}$/iu, "expected host:port, such as 127.0.0.1:8787"),
);

const network = v.pipe(
  v.string(),
  v.check((text) => parseNetwork(text) !== undefined, "expected a network such as 10.0.0.0/8 or 2001:db8::/32"),
);
const hostAndPort = v.pipe(
  v.string(),
  v.check(isHostAndPort, "expected host:port as a URL spells them, such as node.internal:8545 or [fd00::1]:443"),
);
/** True for the one spelling that a URL has of them: another one would be compared with URLs in vain. */
function isHostAndPort(text: string): boolean {
  if (!/^(\[[0-9a-f:]+\]|[a-z0-9._-]+):[1-9]\d{0,4}$/u.test(text) || !URL.canParse(`http://${text}`)) return false;
  const { hostname, port } = new URL(`http://${text}`);
  return `${hostname}:${port === "" ? "80" : port}` === text;
}
const hostName = v.pipe(
  v.string(),
  v.regex(
    /^(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:\d{1,5})?$/u,
    "expected a host, such as keys.acme.com or keys.acme.com:8443",
  ),
);
const count = (fallback: number, most = 1_000_000) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most)), fallback);
const secret = v.union(
  [
    v.strictObject({ file: v.pipe(v.string(), v.minLength(1)) }),
    v.strictObject({ env: v.pipe(v.string(), v.minLength(1)) }),
  ],
  'expected { file = "secrets/x" } or { env = "NAME" }',
);
const auditor = v.strictObject({ name: sectionName, token: secret });

const scope = v.rawTransform<unknown, Scope>(({ dataset, addIssue, NEVER }) => {
  try {
    return parseScope(dataset.value);
  } catch (error) {
    addIssue({ message: isAgentKeysError(error) ? error.message : "expected a scope" });
    return NEVER;
  }
});

const who = v.union(
  [
    v.strictObject({ role: v.picklist(["operator", "member"]) }),
    v.strictObject({ account: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u)) }),
    v.strictObject({ email_domain: v.pipe(v.string(), v.regex(/^[a-z0-9.-]+$/u)) }),
  ],
  'expected { role = "operator" }, { account = "<64 hex>" } or { email_domain = "acme.com" }',
);

const scopeTable = v.pipe(
  v.unknown(),
  v.description('such as { actions = ["token"], resources = ["https://*"] }'),
  scope,
);
const right = v.strictObject({ who, issuer: sectionName, scope: scopeTable, max_ttl: duration });
const ceiling = v.strictObject({ issuer: sectionName, scope: scopeTable, max_ttl: duration });

/** Every sub-table of a kind that is not one of the broker's own keys is the section of a plug-in. */
const section = v.record(v.string(), v.unknown(), "expected a section (a table)");

/** The broker's TOML file. Unknown keys are errors everywhere. */
export const configSchema = v.strictObject({
  broker: v.optional(
    v.strictObject({
      public_url: v.optional(publicUrl),
      listen: v.optional(listen, "127.0.0.1:8787"),
      data_dir: v.optional(v.pipe(v.string(), v.minLength(1)), ".agentkeys"),
      high_water_dir: v.optional(v.pipe(v.string(), v.minLength(1))),
      clients: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,64}$/u))), v.minLength(1)), [
        "agentkeys",
      ]),
      trusted_proxies: v.optional(v.array(network), []),
      forwarded_header: v.optional(v.picklist(["x-forwarded-for", "forwarded"]), "x-forwarded-for"),
      hosts: v.optional(v.array(hostName), []),
      allow_private: v.optional(v.array(hostAndPort), []),
    }),
    {},
  ),
  limits: v.optional(
    v.strictObject({
      sign_ins: count(defaultLimits.sign_ins),
      messages: count(defaultLimits.messages),
      failures: count(defaultLimits.failures),
      codes: count(defaultLimits.codes),
      reads: count(defaultLimits.reads),
      calls: count(defaultLimits.calls),
      refusals: count(defaultLimits.refusals),
      requests: count(512, 65_536),
      connections: count(2048, 65_536),
    }),
    {},
  ),
  log: v.optional(v.strictObject({ level: v.optional(v.picklist(logLevels), "info") }), {}),
  metrics: v.optional(v.strictObject({ listen, hosts: v.optional(v.array(hostName), []) })),
  accounts: v.optional(v.strictObject({ sign_up: v.optional(v.picklist(["first", "invite", "open"]), "first") }), {}),
  auth: v.optional(
    v.objectWithRest({ methods: v.optional(v.pipe(sectionNames, v.minLength(1)), ["walletsig"]) }, section),
    {},
  ),
  wallet: v.optional(v.objectWithRest({ provisioner: v.optional(sectionName, "keystore") }, section), {}),
  audit: v.optional(
    v.objectWithRest(
      {
        log: v.optional(sectionName, "sqlite"),
        anchors: v.optional(sectionNames, []),
        auditors: v.optional(
          v.pipe(
            v.array(auditor),
            v.check((rows) => new Set(rows.map((row) => row.name)).size === rows.length, "expected no name twice"),
          ),
          [],
        ),
      },
      section,
    ),
    {},
  ),
  issuer: v.optional(
    v.objectWithRest({ names: v.optional(v.pipe(sectionNames, v.minLength(1)), ["oidc"]) }, section),
    {},
  ),
  rights: v.optional(v.array(right)),
  ceiling: v.optional(v.array(ceiling), []),
});

/** The file as parsed; defaults are filled in. */
export type ConfigFile = v.InferOutput<typeof configSchema>;

/** What the operator alone holds where no `[[rights]]` row stands. */
export const defaultRights: readonly Right[] = [
  {
    who: { role: "operator" },
    issuer: "oidc",
    scope: { actions: ["token"], resources: ["https://*"] },
    max_ttl: 3600,
  },
];
