import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { VerifyOffline } from "@agentkeys/core";
import type { Verifiers } from "../evidence.ts";
import { joinEpochs, parseTrustEpochs } from "../trust-epochs.ts";
import { parseTrustPolicy, type TrustPolicy } from "../trust-policy.ts";
import { readText } from "./files.ts";

/** Whom to trust, and the verifiers that the trust files name. */
export interface TrustFiles {
  readonly trust: TrustPolicy;
  readonly verifiers: Verifiers;
}

/**
 * Reads `trust.policy` and, where it lies beside it or is named, `anchors.toml`. The verifiers that it names are loaded from where it
 * lies, else from beside this program; one that is not installed is left out, and its evidence is not checked.
 */
export async function readTrustFiles(policyPath: string, anchorsPath?: string): Promise<TrustFiles> {
  const policy = parseTrustPolicy(readText(policyPath));
  const beside = join(dirname(resolve(policyPath)), "anchors.toml");
  const path = anchorsPath ?? (policyPath !== "-" && existsSync(beside) ? beside : undefined);
  if (path === undefined) return { trust: policy, verifiers: new Map() };
  const trust = joinEpochs(policy, parseTrustEpochs(readText(path)));
  const named = (trust.epochs ?? []).flatMap(({ anchors }) => Array.from(anchors.values(), (anchor) => anchor.package));
  const verifiers = new Map<string, VerifyOffline>();
  for (const name of new Set(named)) {
    const verifier = await loadVerifier(name, resolve(path));
    if (verifier !== undefined) verifiers.set(name, verifier);
  }
  return { trust, verifiers };
}

async function loadVerifier(name: string, path: string): Promise<VerifyOffline | undefined> {
  const place = find(`${name}/verify`, path) ?? find(`${name}/verify`, import.meta.url);
  if (place === undefined) return undefined;
  const { verifyOffline } = (await import(pathToFileURL(place).href)) as Partial<Record<string, unknown>>;
  if (typeof verifyOffline !== "function") throw new Error(`${name}/verify does not export verifyOffline`);
  return verifyOffline as VerifyOffline;
}

function find(specifier: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(specifier);
  } catch (error) {
    const absent = ["MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"];
    if (error instanceof Error && "code" in error && absent.includes(String(error.code))) return undefined;
    throw error;
  }
}
