// How soon a revoked grant is of no use: from the moment the revocation is asked for until the first refusal of an agent that does not
// stop asking.
import { openParties } from "./broker.mjs";
import { mostRow } from "./rows.mjs";

const rounds = 100;

/**
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 */
export async function benchRevocation(children, folder) {
  const { child, person, agents } = await openParties(children, folder, { agents: 1 });
  const [agent] = agents;
  if (agent === undefined) throw new Error("there is no agent");
  /** @type {number[]} */
  const times = [];
  for (let round = 0; round < rounds; round++) {
    if (!(await agent.mint())) throw new Error("a new grant was of no use");
    const started = performance.now();
    let isDone = false;
    const revoke = async () => {
      await agent.dropGrant(person);
      isDone = true;
    };
    const revoked = revoke();
    for (;;) {
      const wasDone = isDone;
      if (!(await agent.mint())) break;
      if (wasDone) throw new Error("a revoked grant was used after the revocation had been answered");
    }
    times.push(performance.now() - started);
    await revoked;
    await agent.takeGrant(person);
  }
  await children.stop(child);
  const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
  return [mostRow("revocation seen, p99, one node", "ms", p99, 1000)];
}
