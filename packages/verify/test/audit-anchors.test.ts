import { verifyOffline } from "@agentkeys/audit-witness/verify";
import { describe, expect, it } from "vitest";
import { auditLog, joinEpochs, parseTrustEpochs, parseTrustPolicy } from "../src/index.ts";
import { anchored, audit, now, origin, reasonOf, trustOf, witness } from "./audits.ts";
import { MadeLog, started } from "./made-log.ts";
import { makeSigner } from "./support.ts";

describe("heads that anchors have", () => {
  const trustAnchors = (made: MadeLog, vkey = witness.vkey) =>
    joinEpochs(
      parseTrustPolicy("quorum none\n"),
      parseTrustEpochs(
        `[[epoch]]\norigin = "${origin}"\nvkeys = ["${made.vkeys[0]}"]\n[epoch.verify.w1]\nplugin = "witness"\nvkey = "${vkey}"\n`,
      ),
    );
  const verifiers = new Map([["@agentkeys/audit-witness", verifyOffline]]);
  const made = new MadeLog(origin).fill(300);
  for (const size of [0, 1, 256, 300]) made.add(anchored(made, size));
  made.fill(3);

  it("lie on the one timeline, and their evidence holds by the verifier that the trust files name", async () => {
    const verdict = await auditLog(made.reader(), trustAnchors(made), { now, entries: true, verifiers });
    expect(verdict).toMatchObject({
      level: "ANCHORED",
      anchors: [{ name: "w1", heads: 4, size: 300, finalSize: 300 }],
    });
    expect(verdict.notProven.join("\n")).toContain("the records from 300 on");
  });

  it("are told and not counted where no verifier is named or at hand", async () => {
    for (const trust of [trustOf(made), trustAnchors(made)]) {
      const verdict = await auditLog(made.reader(), trust, { now, entries: true });
      expect(verdict).toMatchObject({ level: "SIGNED", anchors: [{ name: "w1", heads: 4, size: 300, finalSize: 0 }] });
      expect(verdict.notProven.join("\n")).toContain("What w1 really has");
    }
  });

  it("make the log invalid when their evidence does not hold, or is of another head", async () => {
    const stranger = trustAnchors(made, makeSigner("witness.example/w1", 4).vkey);
    const verdict = auditLog(made.reader(), stranger, { now, entries: true, verifiers });
    expect(await reasonOf(verdict)).toBe("INVALID: the evidence of w1 over 0 records does not hold");
    const swapped = new MadeLog(origin).fill(5);
    swapped.add(anchored(swapped, 3, { size: 2 }));
    expect(await reasonOf(audit(swapped))).toContain("INVALID: the evidence of w1 over 3 records is not of the head");
  });

  it("tell of a fork when one lies on another timeline", async () => {
    const other = new MadeLog(origin).add({ time: started + 1 }).fill(9);
    const forked = new MadeLog(origin).fill(5);
    forked.add(anchored(other, 4)).fill(2);
    expect(await reasonOf(audit(forked))).toContain("FORKED: the head over 4 records that w1 has");
  });
});
