import { join } from "node:path";
import { walletCases } from "@agentkeys/testkit";
import { expect, it } from "vitest";
import { root } from "./checks.mjs";
import { findStaleReadmes } from "./generate-conformance.mjs";

/** A report of a run of the wallet cases in which one of them ended as given. */
function reportOf(path, status, reason = "") {
  const assertionResults = walletCases.map(({ id, states }, at) => ({
    title: `[${id}] ${states}${at === 0 ? reason : ""}`,
    status: at === 0 ? status : "passed",
  }));
  return JSON.stringify({ testResults: [{ name: join(root, path), assertionResults }] });
}

const keystore = "packages/wallet-keystore/test/conformance.test.ts";

it("finds a README that says what its plug-in's cases say up to date", async () => {
  expect(await findStaleReadmes(reportOf(keystore, "passed"))).toEqual([]);
});

it("finds a README out of date when a case is waived since, and says what it should be", async () => {
  const [stale, ...others] = await findStaleReadmes(reportOf(keystore, "skipped", " (waived: it is not ours to hold)"));
  expect(others).toEqual([]);
  expect(stale).toMatchObject({ path: "packages/wallet-keystore/README.md" });
  expect(stale?.due).toContain("- PLG-01: it is not ours to hold");
});

it("says nothing of a run in which a case failed", async () => {
  await expect(findStaleReadmes(reportOf(keystore, "failed"))).rejects.toThrow("PLG-01 failed");
});

it("looks at plug-ins alone", async () => {
  expect(await findStaleReadmes(reportOf("packages/testkit/test/conformance.test.ts", "failed"))).toEqual([]);
});
