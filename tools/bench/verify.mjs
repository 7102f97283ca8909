// A receipt in a log of a million records: how large, how fast to verify offline.
import { generateKeyPairSync, hash, randomBytes, sign } from "node:crypto";
import { scopeText } from "./broker.mjs";
import { importLog } from "./packages.mjs";
import { median, mostRow } from "./rows.mjs";

const size = 1_000_000;
const index = 123_456;
const rounds = 2000;

export async function benchVerify() {
  const log = await importLog();
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(String(publicKey.export({ format: "jwk" }).x), "base64url");
  const vkey = log.formatVkey(`keys.example.com/logs/${randomBytes(16).toString("hex")}`, 1, raw);
  const key = log.parseVkey(vkey);
  const holder = {
    agent: "agt_2n5fk3v7q4x6y8z1b9c0d2e4f6",
    scope: scopeText,
    credential: "jti_3v8k2m7q5x9z1b4d6f0h2j8n3p",
    validity: /** @type {const} */ ([1_764_000_000, 1_764_000_600]),
  };
  const { entry, openings } = log.commitEvent(
    {
      ...holder,
      id: "019aa7c1-9c00-7000-8000-00000000002a",
      time: 1_764_000_000_000,
      type: log.RecordType.issued,
      outcome: log.Outcome.ok,
      account: "ef".repeat(32),
      wallet: "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
      issuer: "oidc",
      policy: "cd".repeat(32),
      grant: "grn_7h3k9m2p5r8t1w4y6a0c3e5g7j",
    },
    { random: (length) => randomBytes(length), indexKey: randomBytes(32) },
  );
  const leaf = log.leafHash(entry);
  // Which hashes stand beside the way up is of no account, only how many.
  const path = log.inclusionPath(index, size, (level, at) => hash("sha256", `${level} ${at}`, "buffer"));
  const root = log.rootFromInclusion(index, size, leaf, path);
  const note = log.signNote(log.formatCheckpoint({ origin: key.name, size, root }), key, (bytes) =>
    sign(null, bytes, privateKey),
  );
  const text = log.formatReceipt({
    entry,
    tlogProof: log.formatTlogProof({ index, path, note }),
    anchors: [],
    openings: openings.filter((opening) => [6, 9, 12].includes(opening.key)),
  });
  /** @type {number[]} */
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await log.verifyReceipt(log.parseReceipt(text), { log: key }, holder);
    times.push(performance.now() - started);
  }
  return [
    mostRow(`receipt at ${size} records, scope of ${scopeText.length}`, "bytes", Buffer.byteLength(text), 2200),
    mostRow("receipt parsed and verified", "ms", median(times), 0.5),
  ];
}
