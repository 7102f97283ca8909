// Nothing is released beyond the rights that its grantor has today, nor beyond a ceiling.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ask, grant, scope } from "../../apps/broker/test/flows/harness.ts";
import { assertReleasesNothing, prepare, type Ground } from "./ground.ts";

let ground: Ground;
afterEach(() => ground.broker.close());

const right = (who: string, resource: string, ttl: string) =>
  `[[rights]]\nwho = ${who}\nissuer = "oidc"\nscope = { actions = ["token"], resources = ["${resource}"] }\nmax_ttl = "${ttl}"\n`;
const operator = '{ role = "operator" }';

/** Adds to the configuration, as an operator does, and starts again. */
async function reconfigure(toml: string): Promise<void> {
  const file = join(ground.broker.folder, "agentkeys.toml");
  writeFileSync(file, `${readFileSync(file, "utf8")}\n${toml}`);
  await ground.broker.restart();
}

test.each([
  ["taken from the grantor", right('{ role = "member" }', "https://*", "1h")],
  ["made narrower than the grant", right(operator, "https://elsewhere.example/*", "1h")],
  ["made shorter than what is asked", right(operator, "https://*", "1m")],
  [
    "given in two rows, neither of which contains it all",
    right(operator, "https://*", "1m") + right(operator, "https://elsewhere.example/*", "1h"),
  ],
])("not by a grant made before its rights were %s", async (_, toml) => {
  ground = await prepare();
  await reconfigure(toml);
  await assertReleasesNothing(ground, "ERR_GRANT_EXCEEDS_RIGHTS", () => ask(ground.agent));
});

test("not beyond a ceiling set after the grant, nor beyond one that names only the issuer's other scopes", async () => {
  ground = await prepare();
  await reconfigure(
    '[[ceiling]]\nissuer = "oidc"\nscope = { actions = ["token"], resources = ["https://elsewhere.example/*"] }\nmax_ttl = "1h"\n',
  );
  await assertReleasesNothing(ground, "ERR_GRANT_DENIED", () => ask(ground.agent));
});

test("and no grant is made beyond them in the first place", async () => {
  ground = await prepare(right(operator, "https://api.example.com", "10m"));
  const wide = { ...scope, resources: ["https://*"] };
  for (const change of [{ scope: wide }, { constraints: { max_ttl: 601 } }]) {
    const { status, body } = await grant(ground.person, ground.agentId, change);
    expect({ status, code: body.code }).toEqual({ status: 403, code: "ERR_GRANT_EXCEEDS_RIGHTS" });
  }
});
