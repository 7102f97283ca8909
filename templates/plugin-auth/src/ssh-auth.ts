import { AgentKeysError, type Json, newIdentifier, type PluginHost, type UserAuthMethod } from "@agentkeys/core";
import * as v from "valibot";
import type { SshAuthConfig } from "./index.ts";
import { fingerprint, parsePublicKey, verifySshSignature } from "./ssh-signature.ts";

const Ask = v.strictObject({ public_key: v.pipe(v.string(), v.maxLength(1024)) });
const Answer = v.strictObject({
  challenge_id: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,64}$/u, "expected a challenge id")),
  signature: v.pipe(v.string(), v.maxLength(4096)),
});
const Pending = v.strictObject({ key: v.string(), message: v.string() });

/** Challenges live in the host's store; the proof is an SSH signature over the challenge's message. */
export function openSshAuth(config: SshAuthConfig, host: PluginHost): UserAuthMethod {
  return {
    async start(ask) {
      const { public_key } = parse(Ask, ask);
      const key = parsePublicKey(public_key);
      if (key === undefined) throw malformed(["public_key: expected an ssh-ed25519 public key"]);
      const id = newIdentifier("ssh", host.random(16));
      const expiresAt = host.now() + config.challenge_seconds * 1000;
      const message = [
        `Sign in to ${host.publicUrl}`,
        `Key: ${fingerprint(key)}`,
        `Challenge: ${id}`,
        `Until: ${new Date(expiresAt).toISOString()}`,
        "",
      ].join("\n");
      await host.store.put(id, { key: key.toString("base64"), message }, config.challenge_seconds);
      return { id, expiresAt, public: { message, namespace: config.namespace } };
    },

    async finish(answer) {
      const { challenge_id, signature } = parse(Answer, answer);
      // Looked at first and taken only with a proof that holds: a stranger's wrong signature burns nothing.
      const pending = v.safeParse(Pending, await host.store.get(challenge_id));
      if (!pending.success) throw unknownChallenge();
      const key = Buffer.from(pending.output.key, "base64");
      if (!verifySshSignature(signature, key, config.namespace, pending.output.message)) {
        const reason = "the signature is not by this key over this message";
        throw new AgentKeysError("ERR_AUTH_PROOF", reason, { reason });
      }
      if ((await host.store.take(challenge_id)) === undefined) throw unknownChallenge();
      return {
        challengeId: challenge_id,
        identity: { type: "ssh_ed25519", value: fingerprint(key) },
        amr: ["swk"],
      };
    },

    ready: async () => ({ status: "ready" }),
    close: async () => {},
  };
}

function parse<Value>(schema: v.GenericSchema<unknown, Value>, value: Json): Value {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  // What was expected and where, in short: an error must not repeat what it was sent.
  const issues = result.issues.map(
    (issue) => `${v.getDotPath(issue)?.slice(0, 64) ?? "(root)"}: expected ${issue.expected}`,
  );
  throw malformed(issues);
}

function malformed(issues: readonly string[]): AgentKeysError {
  return new AgentKeysError("ERR_REQUEST_MALFORMED", issues.join("; "), { issues });
}

function unknownChallenge(): AgentKeysError {
  return new AgentKeysError("ERR_AUTH_CHALLENGE", "the challenge is unknown, used or expired", {});
}
