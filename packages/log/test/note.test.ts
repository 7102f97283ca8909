import { describe, expect, it } from "vitest";
import {
  cosignatureLine,
  formatCheckpoint,
  formatVkey,
  fromBase64,
  parseCheckpoint,
  parseNote,
  parseVkey,
  signNote,
  toBase64,
  verifyLine,
} from "../src/index.ts";
import { makeSigner } from "./signer.ts";
import { bytes, hex } from "./vectors.ts";

const refused = expect.objectContaining({ code: "ERR_AUDIT_PROOF", facts: { reason: expect.any(String) } });

describe("C2SP signed-note", () => {
  it("the example of the specification verifies", async () => {
    const key = parseVkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    const note = parseNote(
      "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n",
    );
    expect(note.text).toBe("This is an example message.\n");
    expect(await verifyLine(note.text, note.signatures[0]?.line ?? "", key)).toEqual({});
    expect(await verifyLine("This is another message.\n", note.signatures[0]?.line ?? "", key)).toBeUndefined();
  });

  it("the poem of the specification keeps the empty line in its text", () => {
    const { text, signatures } = parseNote(
      "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n",
    );
    expect(text).toBe("Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n");
    expect(signatures).toMatchObject([{ name: "quasimodo.example/salvatore", id: bytes("367ba04b") }]);
  });

  // The keys, note and malformed notes of golang.org/x/mod, sumdb/note/note_test.go.
  const peter = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const peterSeed = fromBase64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").slice(1);
  const peterText =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const peterLine =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

  it("Go's note is written byte for byte", () => {
    const signer = makeSigner("PeterNeumann", 1, peterSeed);
    expect(formatVkey("PeterNeumann", 1, signer.key.publicKey)).toBe(peter);
    expect(signNote(peterText, signer.key, signer.sign)).toBe(`${peterText}\n${peterLine}`);
  });

  it("Go's key is refused with any part cut off and any character changed", () => {
    expect(hex(parseVkey(peter).id)).toBe("c74f20a3");
    for (let start = 0; start < peter.length; start++) {
      const ends = peter.length - (start === 0 ? 1 : 0);
      for (let end = start; end <= ends; end++) expect(() => parseVkey(peter.slice(start, end))).toThrow(refused);
      const next = String.fromCharCode(peter.charCodeAt(start) + 1);
      expect(() => parseVkey(peter.slice(0, start) + next + peter.slice(start + 1))).toThrow(refused);
    }
    for (const bad of [
      "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
      "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
      peter.replace("c74f20a3", "C74F20A3"),
    ]) {
      expect(() => parseVkey(bad)).toThrow(refused);
    }
  });

  it.each([
    ["no signatures", peterText],
    ["only the empty line", `${peterText}\n`],
    ["no newline at its end", `${peterText}\n${peterLine.slice(0, -1)}`],
    ["a control character", `\u0001${peterText}\n${peterLine}`],
    ["a tab", `\t${peterText}\n${peterLine}`],
    ["a carriage return", `${peterText}\r\n${peterLine}`],
    ["half a surrogate pair", `\ud800${peterText}\n${peterLine}`],
    ["a name with a blank", `${peterText}\n${peterLine.replace("PeterNeumann", "Peter Neumann")}`],
    ["a name with a no-break space", `${peterText}\n${peterLine.replace("PeterNeumann", "Peter\u00a0Neumann")}`],
    ["a name with a plus", `${peterText}\n${peterLine.replace("PeterNeumann", "Peter+Neumann")}`],
    ["no name", `${peterText}\n${peterLine.replace("PeterNeumann", "")}`],
    ["a hyphen for the dash", `${peterText}\n${peterLine.replace("—", "-")}`],
    ["two blanks", `${peterText}\n${peterLine.replace("— ", "—  ")}`],
    ["a blank at a line's end", `${peterText}\n${peterLine.replace("\n", " \n")}`],
    ["base64 without its padding", `${peterText}\n${peterLine.replace("=", "")}`],
    ["base64 with stray last bits", `${peterText}\n${peterLine.replace("nAM=", "nAN=")}`],
    ["base64url", `${peterText}\n${peterLine.replaceAll("/", "_")}`],
    ["a signature of nothing but an id", `${peterText}\n— PeterNeumann x08gow==\n`],
    ["a line that is no signature", `${peterText}\n${peterLine}Unexpected line.\n`],
    ["65 signatures", `${peterText}\n${peterLine.repeat(65)}`],
    ["more than 256 KiB", `${"x".repeat(262_144)}\n\n${peterLine}`],
  ])("a note with %s is refused", (_, note) => {
    expect(() => parseNote(note)).toThrow(refused);
  });

  it("64 signatures are taken", () => {
    expect(parseNote(`${peterText}\n${peterLine.repeat(64)}`).signatures).toHaveLength(64);
  });

  it("a signature of another length, or under another name or id, does not verify", async () => {
    const key = parseVkey(peter);
    expect(await verifyLine(peterText, peterLine, key)).toEqual({});
    expect(await verifyLine(peterText, peterLine.slice(0, -1), key)).toEqual({});
    for (const line of [
      "",
      "garbage",
      peterLine.replace("PeterNeumann", "peterNeumann"),
      peterLine.replace("x08g", "x08h"),
      `${peterLine.slice(0, 60)}ABCD${peterLine.slice(60)}`,
    ]) {
      expect(await verifyLine(peterText, line, key)).toBeUndefined();
    }
  });
});

// A head of the Static CT log arche2025h1 and keys of its witnesses, all public; the head as in the tests of
// florolf/cross-examination, the keys as their operators publish them. It bears signatures of types that are not ours too.
describe("C2SP tlog-checkpoint and tlog-cosignature", () => {
  const note = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`;
  const log = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
  const witnesses = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
  ];
  const { text, signatures } = parseNote(note);

  it("a public log's head reads back as it was written", () => {
    const head = parseCheckpoint(text);
    expect(head).toMatchObject({ origin: "arche2025h1.staging.ct.transparency.dev", size: 1_432_088_532 });
    expect(formatCheckpoint(head)).toBe(text);
    expect(`${text}\n${signatures.map(({ line }) => line).join("")}`).toBe(note);
  });

  it("the log's Ed25519 line verifies, and no other line by its key", async () => {
    const verified = await Promise.all(signatures.map(({ line }) => verifyLine(text, line, parseVkey(log))));
    expect(verified).toEqual([undefined, {}, undefined, undefined, undefined, undefined]);
  });

  it.each(witnesses)("the cosignature of %s verifies, with its time, over this text alone", async (vkey) => {
    const key = parseVkey(vkey);
    const line = signatures.find(({ name }) => name === key.name)?.line ?? "";
    expect(await verifyLine(text, line, key)).toEqual({ timestamp: 0x6a122120 });
    expect(await verifyLine(text.replace("1432088532", "1432088533"), line, key)).toBeUndefined();
    expect(await verifyLine(`${text}extension\n`, line, key)).toBeUndefined();
    const later = toBase64(fromBase64(line.split(" ")[2]?.trim() ?? "").with(11, 0x21));
    expect(await verifyLine(text, `— ${key.name} ${later}\n`, key)).toBeUndefined();
  });

  it("the cosignature example of the specification is framed as id, time and signature", () => {
    const blob =
      "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
    const [signature] = parseNote(`x\n\n— witness.example.com/w1 ${blob}\n`).signatures;
    expect(signature?.id).toEqual(bytes("8d66cf3f"));
    expect(signature?.signature).toHaveLength(72);
    expect(new DataView(Uint8Array.from(signature?.signature ?? []).buffer).getBigUint64(0)).toBe(1679315147n);
  });

  it("the message that a witness signs is that of the specification", () => {
    const witness = makeSigner("witness.example.com/w1", 4, new Uint8Array(32));
    const signed: string[] = [];
    const head = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    cosignatureLine(head, witness.key, 1679315147, (message) => {
      signed.push(new TextDecoder().decode(message));
      return witness.sign(message);
    });
    expect(signed).toEqual([`cosignature/v1\ntime 1679315147\n${head}`]);
  });

  it("a cosignature verifies up to 2^53-1 seconds, and one past that does not", async () => {
    const witness = makeSigner("w.example", 4, new Uint8Array(32).fill(1));
    const line = cosignatureLine(text, witness.key, Number.MAX_SAFE_INTEGER, witness.sign);
    expect(await verifyLine(text, line, witness.key)).toEqual({ timestamp: Number.MAX_SAFE_INTEGER });
    const stamp = new Uint8Array(8);
    new DataView(stamp.buffer).setBigUint64(0, 2n ** 53n);
    const signature = witness.sign(new TextEncoder().encode(`cosignature/v1\ntime ${2n ** 53n}\n${text}`));
    const blob = toBase64(Uint8Array.from([...witness.key.id, ...stamp, ...signature]));
    expect(await verifyLine(text, `— w.example ${blob}\n`, witness.key)).toBeUndefined();
  });

  it("a key signs only what its algorithm is for", () => {
    const [signer, witness] = [makeSigner("a", 1, new Uint8Array(32)), makeSigner("a", 4, new Uint8Array(32))];
    expect(() => signNote(text, witness.key, witness.sign)).toThrow(refused);
    expect(() => signNote("no newline", signer.key, signer.sign)).toThrow(refused);
    expect(() => cosignatureLine(text, signer.key, 1, signer.sign)).toThrow(refused);
    expect(() => cosignatureLine(text, witness.key, 0.5, witness.sign)).toThrow(refused);
    expect(() => formatVkey("a b", 1, signer.key.publicKey)).toThrow(refused);
    expect(() => formatVkey("a", 1, new Uint8Array(31))).toThrow(refused);
  });

  const root = "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=";
  it.each([
    ["no final newline", `o\n1\n${root}`],
    ["an extension line", `o\n1\n${root}\nmore\n`],
    ["an empty line", `o\n1\n${root}\n\n`],
    ["two lines", `o\n1\n`],
    ["an empty origin", `\n1\n${root}\n`],
    ["a tab in the origin", `o\t\n1\n${root}\n`],
    ["a leading zero", `o\n01\n${root}\n`],
    ["a plus", `o\n+1\n${root}\n`],
    ["a minus", `o\n-0\n${root}\n`],
    ["a blank before the size", `o\n 1\n${root}\n`],
    ["an exponent", `o\n1e3\n${root}\n`],
    ["hexadecimal", `o\n0x1\n${root}\n`],
    ["a digit of another script", `o\n١\n${root}\n`],
    ["a size past 2^53-1", `o\n9007199254740992\n${root}\n`],
    ["an empty size", `o\n\n${root}\n`],
    ["a root of 31 bytes", `o\n1\n${toBase64(new Uint8Array(31))}\n`],
    ["a root without padding", `o\n1\n${root.slice(0, -1)}\n`],
    ["a root with stray bits", `o\n1\n${root.replace("4Ro=", "4Rp=")}\n`],
  ])("a checkpoint with %s is refused", (_, wrong) => {
    expect(() => parseCheckpoint(wrong)).toThrow(refused);
  });

  it("a checkpoint that could not be read back is not written", () => {
    const head = parseCheckpoint(text);
    for (const wrong of [
      { origin: "" },
      { origin: "a\nb" },
      { size: -1 },
      { size: 2 ** 53 },
      { root: new Uint8Array(31) },
    ]) {
      expect(() => formatCheckpoint({ ...head, ...wrong })).toThrow(refused);
    }
  });
});
