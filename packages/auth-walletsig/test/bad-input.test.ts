import { anything, assert, asyncProperty, constant, jsonValue, oneof, record, string } from "fast-check";
import type { Json } from "@agentkeys/core";
import { createCall } from "@agentkeys/testkit";
import { describe, expect, it } from "vitest";
import { ada, answerOf, openMethod, refusalOf } from "./support/sign-in.ts";

describe("bad input", () => {
  it("of start is malformed, whatever JSON it is, and nothing is stored", async () => {
    const { method, host } = await openMethod();
    const member = oneof(jsonValue(), string({ unit: "binary" }));
    const bodies = oneof(
      jsonValue(),
      record({ address: member, chain_id: constant(1) }, { requiredKeys: [] }),
      record({ address: constant(ada.address), chain_id: member.filter((id) => id !== 1) }),
      record({ address: constant(ada.address), chain_id: constant(1), more: member }),
    );
    await assert(
      asyncProperty(bodies, async (body) => {
        expect(await refusalOf(method.start(body as Json, createCall(host)))).toMatch(/^ERR_REQUEST_MALFORMED/u);
      }),
    );
    expect(host.store.entries()).toEqual([]);
  });

  it("of finish is malformed, an unknown challenge or a wrong proof, whatever JSON it is, and burns nothing", async () => {
    const { start, finish } = await openMethod();
    const challenge = await start();
    const right = await answerOf(challenge);
    const member = oneof(jsonValue(), string({ unit: "binary" }));
    const or = (value: string) => oneof({ weight: 3, arbitrary: constant(value) }, { weight: 1, arbitrary: member });
    const bodies = oneof(
      jsonValue(),
      record(
        {
          challenge_id: or(right.challenge_id),
          message: or(right.message),
          signature: or(right.signature),
          more: member,
        },
        { requiredKeys: [] },
      ),
    );
    await assert(
      asyncProperty(bodies, async (body) => {
        if (JSON.stringify(body) === JSON.stringify(right)) return;
        expect(await refusalOf(finish(body as Json))).toMatch(/^ERR_(REQUEST_MALFORMED|AUTH_CHALLENGE|AUTH_PROOF): /u);
      }),
      { numRuns: 300 },
    );
    expect(await refusalOf(finish(right))).toBe("no error");
  });

  it("of another kind than JSON is malformed too", async () => {
    const { method, host } = await openMethod();
    await assert(
      asyncProperty(anything(), async (value) => {
        const call = createCall(host);
        expect(await refusalOf(method.start(value as Json, call))).toMatch(/^ERR_REQUEST_MALFORMED/u);
        expect(await refusalOf(method.finish(value as Json, call))).toMatch(/^ERR_REQUEST_MALFORMED/u);
      }),
    );
  });

  it("longer than any right answer is refused before it is looked at", async () => {
    const { start, finish } = await openMethod();
    const right = await answerOf(await start());
    for (const name of ["challenge_id", "message", "signature"])
      expect(await refusalOf(finish({ ...right, [name]: "a".repeat(40_000) }))).toMatch(/^ERR_REQUEST_MALFORMED: /u);
  });
});
