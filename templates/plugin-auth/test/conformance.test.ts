import type { Challenge, Json } from "@agentkeys/core";
import { authCases, type AuthFixture, type AuthPerson, registerConformance } from "@agentkeys/testkit";
import { it } from "vitest";
import plugin from "../src/index.ts";
import { makeSshKey, type SshKey } from "./ssh-key.ts";

const ada = makeSshKey("ada");
const grace = makeSshKey("grace");

const messageOf = (challenge: Challenge): string => String(challenge.public["message"]);

const answerOf = (challenge: Challenge, signature: string): { challenge_id: string; signature: string } => ({
  challenge_id: challenge.id,
  signature,
});

function personWith(key: SshKey): AuthPerson {
  return {
    ask: { public_key: key.line },
    identity: { type: "ssh_ed25519", value: key.fingerprint },
    prove: (challenge) => answerOf(challenge, key.sign(messageOf(challenge))),
  };
}

function wrongProofs(challenge: Challenge): readonly Json[] {
  const message = messageOf(challenge);
  const [signer, other] = message.includes(ada.fingerprint) ? [ada, grace] : [grace, ada];
  const right = signer.sign(message);
  return [
    other.sign(message),
    signer.sign(`${message} `),
    signer.sign(message, "git"),
    right.replace(/.\n-----END/, (end) => (end.startsWith("A") ? `B${end.slice(1)}` : `A${end.slice(1)}`)),
    right.replace("SSH SIGNATURE", "SSH PRIVATE KEY"),
    "no signature at all",
  ].map((signature) => answerOf(challenge, signature));
}

registerConformance({ it }, authCases, async (): Promise<AuthFixture> => ({
  plugin,
  config: {},
  people: [personWith(ada), personWith(grace)],
  wrongProofs,
  withId: (answer, id) => ({ ...(answer as object), challenge_id: id }),
  malformedAsks: [{ public_key: "ssh-rsa AAAA" }, { public_key: `${ada.line}\nssh-ed25519 AAAA` }],
}));
