import { linkSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, createRemoteJWKSet, customFetch, decodeProtectedHeader, jwtVerify } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openKeys, type BrokerKeys, type KeyPurpose } from "../../src/keys/keys.ts";
import { createAccessTokens } from "../../src/session/access-token.ts";
import { createWorkloadTokens } from "../../src/session/workload-token.ts";

const issuer = "https://keys.example.com";
let folder: string;
let time: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rotation-"));
  time = 1_764_000_000_000;
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): Promise<BrokerKeys> => openKeys(folder, { rs256: true, now: () => time });
const kids = (keys: BrokerKeys): readonly string[] => keys.jwks().keys.map(({ kid }) => kid);
const purposes: readonly KeyPurpose[] = ["access-token", "workload", "workload-rs256"];
const currentOf = (keys: BrokerKeys, purpose: KeyPurpose): string =>
  (purpose === "access-token" ? keys.accessToken : purpose === "workload" ? keys.workload : keys.workloadRs256!).kid;
const tokensOf = (keys: BrokerKeys) =>
  createAccessTokens({ keys, issuer, now: () => time, random: (size) => crypto.getRandomValues(new Uint8Array(size)) });
const ask = { subject: "agent:agt_1", clientId: "agentkeys", sessionId: "ses_1", thumbprint: "t" };

test.each(purposes)(
  "the key that takes over for %s was shown before it signs, and the old one stays shown",
  async (purpose) => {
    const keys = await open();
    const before = kids(keys);
    const old = currentOf(keys, purpose);
    const { kid } = await keys.rotate(purpose);
    expect(before).toContain(kid);
    expect(kid).not.toBe(old);
    expect(currentOf(keys, purpose)).toBe(kid);
    expect(kids(keys)).toEqual(expect.arrayContaining([old, kid]));
    // Another next one is made at once, so that the rotation after this is announced too.
    expect(kids(keys)).toHaveLength(before.length + 1);
    const again = await open();
    expect(currentOf(again, purpose)).toBe(kid);
    expect(kids(again).toSorted()).toEqual(kids(keys).toSorted());
  },
);

test("access tokens of the old key verify until they expire, and new ones are of the new key, without a restart", async () => {
  const keys = await open();
  const tokens = tokensOf(keys);
  const first = tokens.sign(ask).token;
  const { kid } = await keys.rotate("access-token");
  const second = tokens.sign(ask).token;
  expect(decodeProtectedHeader(second).kid).toBe(kid);
  for (const token of [first, second]) expect(tokensOf(keys).verify(token).subject).toBe(ask.subject);
  expect(tokensOf(await open()).verify(first).subject).toBe(ask.subject);
  time += 599_000;
  expect(tokensOf(keys).verify(first).subject).toBe(ask.subject);
  time += 2000;
  expect(() => tokensOf(keys).verify(first)).toThrow("it has expired");
});

test("a relying party that fetched the key set before a rotation verifies what is signed after it", async () => {
  const keys = await open();
  const set = createLocalJWKSet({ keys: keys.jwks().keys.map((key) => ({ ...key })) });
  const tokens = createWorkloadTokens({ keys, issuer });
  const sign = (algorithm: "ES256" | "RS256") => {
    const issuedAt = Math.floor(Date.now() / 1000);
    const facts = { tokenId: "jti_1", account: "a", agent: "agt_1", grant: "grn_1", record: "r" };
    return tokens.sign({ algorithm, audience: "https://api", issuedAt, expiresAt: issuedAt + 600, ...facts });
  };
  const old = [sign("ES256"), sign("RS256")];
  await Promise.all([keys.rotate("workload"), keys.rotate("workload-rs256")]);
  for (const token of [...old, sign("ES256"), sign("RS256")])
    expect((await jwtVerify(token, set, { issuer, audience: "https://api" })).payload.jti).toBe("jti_1");
  // One that fetches now verifies the old ones too.
  const later = createRemoteJWKSet(new URL(`${issuer}/jwks`), {
    [customFetch]: async () => Response.json(keys.jwks()),
  });
  for (const token of old) expect((await jwtVerify(token, later)).payload.jti).toBe("jti_1");
});

test("a retired key goes when the last thing it signed has expired, also from the folder", async () => {
  const keys = await open();
  const old = keys.workload.kid;
  await keys.rotate("workload");
  time += 24 * 3_600_000;
  expect(kids(keys)).toContain(old);
  time += 2 * 3_600_000;
  expect(kids(keys)).not.toContain(old);
  expect(kids(await open())).not.toContain(old);
  expect(readdirSync(folder).filter((file) => file.includes("retired"))).toEqual([]);
});

test("rotations asked for at once come one after the other, and no key is lost", async () => {
  const keys = await open();
  const first = keys.workload.kid;
  const rotated = await Promise.all(Array.from({ length: 5 }, () => keys.rotate("workload")));
  const seen = [first, ...rotated.map(({ kid }) => kid)];
  expect(new Set(seen).size).toBe(6);
  expect(kids(await open())).toEqual(expect.arrayContaining(seen));
});

test("a purpose without keys here is refused", async () => {
  const keys = await openKeys(folder, { rs256: false });
  await expect(keys.rotate("workload-rs256")).rejects.toMatchObject({ code: "ERR_CONFIG_KEY_FILE" });
});

// What stands in the folder after a crash behind each step of a rotation.
const crashes: Readonly<Record<string, () => void>> = {
  "with a draft": () => linkSync(join(folder, "workload.pem"), join(folder, ".workload.0123456789abcdef")),
  "with half a draft": () =>
    writeFileSync(join(folder, ".workload.next.pem.0123456789abcdef"), "-----BEGIN", { mode: 0o600 }),
  "with the old key retired and current": () =>
    linkSync(join(folder, "workload.pem"), join(folder, "workload.retired-1764000000000.pem")),
  "before the key after was made": () => {
    linkSync(join(folder, "workload.pem"), join(folder, "workload.retired-1764000000000.pem"));
    renameSync(join(folder, "workload.next.pem"), join(folder, "workload.pem"));
  },
};

test.each(Object.entries(crashes))("a rotation that a crash broke off %s loses no key", async (_, leave) => {
  const keys = await open();
  const [current, next] = keys.live("workload").map(({ kid }) => kid);
  leave();
  const after = await open();
  const live = after.live("workload").map(({ kid }) => kid);
  expect(live).toEqual(expect.arrayContaining([current, next]));
  expect(new Set(live).size).toBe(live.length);
  expect([current, next]).toContain(after.workload.kid);
  expect(readdirSync(folder).filter((file) => file.startsWith("."))).toEqual([]);
  await after.rotate("workload");
  expect((await open()).live("workload").map(({ kid }) => kid)).toEqual(expect.arrayContaining([current, next]));
});
