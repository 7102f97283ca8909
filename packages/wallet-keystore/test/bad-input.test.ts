import { anything, assert, asyncProperty, constant, jsonValue, oneof, record, string } from "fast-check";
import type { Json } from "@agentkeys/core";
import { createCall } from "@agentkeys/testkit";
import { describe, expect, it } from "vitest";
import { ada, answerOf, openProvisioner, refusalOf, wallets } from "./support/binding.ts";

const [wallet] = wallets;
const member = oneof(jsonValue(), string({ unit: "binary" }));

describe("bad input", () => {
  it("of start is malformed, whatever JSON it is, and nothing is stored", async () => {
    const { provisioner, host } = await openProvisioner();
    const bodies = oneof(
      anything(),
      jsonValue(),
      record({ address: member }, { requiredKeys: [] }),
      record({ address: constant(wallet.address), more: member }),
    );
    await assert(
      asyncProperty(bodies, async (body) => {
        const started = provisioner.start(ada, body as Json, createCall(host));
        expect(await refusalOf(started)).toMatch(/^ERR_REQUEST_MALFORMED/u);
      }),
    );
    expect(host.store.entries()).toEqual([]);
  });

  it("of provision is malformed, an unknown challenge or a wrong proof, whatever JSON it is, and burns nothing", async () => {
    const { start, provision } = await openProvisioner();
    const right = await answerOf(await start(ada, wallet), wallet);
    const or = (value: string) => oneof({ weight: 3, arbitrary: constant(value) }, { weight: 1, arbitrary: member });
    const bodies = oneof(
      anything(),
      jsonValue(),
      record(
        { challenge_id: or(right.challenge_id), signature: or(right.signature), more: member },
        { requiredKeys: [] },
      ),
    ).filter((body) => JSON.stringify(body) !== JSON.stringify(right));
    await assert(
      asyncProperty(bodies, async (body) => {
        const refusal = await refusalOf(provision(ada, body as Json));
        expect(refusal).toMatch(/^ERR_(REQUEST_MALFORMED|WALLET_CHALLENGE|WALLET_PROOF): /u);
      }),
      { numRuns: 300 },
    );
    expect(await refusalOf(provision(ada, right))).toBe("no error");
  });
});
