// What lies on the disk of a broker after a day of work, read byte by byte: no credential, and no token that would be one.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, claim, grant, openBroker, pair, type TestBroker } from "../flows/harness.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await openBroker();
});
afterAll(() => broker.close());

/** Every byte under a folder, as Latin-1 text: what is ASCII can be found in it wherever it stands. */
function bytesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

test("no live credential is kept for retries, and no token stands in any file", async () => {
  const claimCode = broker.claimCode();
  const { caller: person } = await claim(broker);
  const { agent, id } = await pair(broker, person);
  await grant(person, id);
  const { body } = await ask(agent);
  const written = bytesOf(broker.folder);
  // The search finds what is there.
  expect(written).toContain(body.credential.id);
  expect(written).toContain(id);
  const secrets = {
    claimCode,
    credential: body.credential.value as string,
    agentToken: agent.token!,
    agentRefreshToken: agent.refreshToken!,
    personToken: person.token!,
    personRefreshToken: person.refreshToken!,
  };
  for (const [name, secret] of Object.entries(secrets)) {
    expect(written.includes(secret), `${name} lies on the disk`).toBe(false);
    // Nor the part that makes it one.
    expect(written.includes(secret.slice(-43)), `the end of ${name} lies on the disk`).toBe(false);
  }
});
