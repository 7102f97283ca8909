import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { fingerprint } from "../src/ssh-signature.ts";

/** An Ed25519 SSH key of the tests. Everybody can make it. */
export interface SshKey {
  /** The line of a `.pub` file. */
  readonly line: string;
  readonly fingerprint: string;
  /** What `ssh-keygen -Y sign -n NAMESPACE` prints for the message. */
  sign(message: string, namespace?: string): string;
}

export function makeSshKey(name: string): SshKey {
  const seed = createHash("sha256").update(name).digest("hex");
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
  const privateKey: KeyObject = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  const blob = join("ssh-ed25519", publicKey);
  return {
    line: `ssh-ed25519 ${blob.toString("base64")} ${name}@example`,
    fingerprint: fingerprint(publicKey),
    sign(message, namespace = "agentkeys") {
      const digest = createHash("sha512").update(message).digest();
      const magic = Buffer.from("SSHSIG");
      const signature = sign(null, Buffer.concat([magic, join(namespace, "", "sha512", digest)]), privateKey);
      const body = join(blob, namespace, "", "sha512", join("ssh-ed25519", signature));
      const text = Buffer.concat([magic, Buffer.from([0, 0, 0, 1]), body]).toString("base64");
      const lines = text.match(/.{1,70}/g) ?? [];
      return ["-----BEGIN SSH SIGNATURE-----", ...lines, "-----END SSH SIGNATURE-----", ""].join("\n");
    },
  };
}

/** Length-prefixed strings, one behind the other (RFC 4251 section 5). */
function join(...fields: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
