import { expect, it } from "vitest";
import { fingerprint, parsePublicKey, verifySshSignature } from "../src/ssh-signature.ts";

// Made by OpenSSH: ssh-keygen -t ed25519, ssh-keygen -Y sign -n agentkeys, ssh-keygen -l.
const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEBT0LSEqxrbtywThgpWLZXRjmbyC9AFLmputdLmZMKm published vector";
const message = "Sign in to https://keys.example\n";
const signature = `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgQFPQtISrGtu3LBOGClYtldGOZv
IL0AUuam610uZkwqYAAAAJYWdlbnRrZXlzAAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1l
ZDI1NTE5AAAAQMdpxcVbqdF++84VusOMc8tHJkhOR+d/OnUZOcydtGgfs8vNNHVna4gWGM
/MQUXCzMcZhMmtaIIgdpgyT5VCvQU=
-----END SSH SIGNATURE-----
`;

it("takes what OpenSSH signed, for its namespace and message alone", () => {
  const key = parsePublicKey(line)!;
  expect(fingerprint(key)).toBe("SHA256:ScB7ncL6pkROwIIp2lkfgpBHqGHQFXpW4uztYuzaWio");
  expect(verifySshSignature(signature, key, "agentkeys", message)).toBe(true);
  expect(verifySshSignature(signature, key, "git", message)).toBe(false);
  expect(verifySshSignature(signature, key, "agentkeys", `${message}\n`)).toBe(false);
});
