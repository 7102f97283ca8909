import { hash } from "node:crypto";
import { toCrockford } from "@agentkeys/core";

/** SHA-256 of a secret in base64url: what is stored of it. The secrets here have 128 bits or more, or few tries and a short life. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret, "base64url");
}

/** 256 random bits in base64url. */
export function newSecret(random: (size: number) => Uint8Array): string {
  return Buffer.from(random(32)).toString("base64url");
}

/** A code for people: 40 bits as `XXXX-XXXX` in Crockford base32. */
export function newUserCode(random: (size: number) => Uint8Array): string {
  const text = toCrockford(random(5)).toUpperCase();
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}

/** What a person typed as a code, in its one spelling: no dashes or blanks, upper case, O as 0, I and L as 1. */
export function normalizeCode(typed: string): string {
  return typed.toUpperCase().replaceAll(/[\s-]/gu, "").replaceAll("O", "0").replaceAll(/[IL]/gu, "1");
}
