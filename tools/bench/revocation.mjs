// How soon a revoked grant, and a revoked agent, is of no use while others go on asking: from the moment the revocation is asked for until
// the first refusal of an agent that does not stop asking.
import { openParties, pair } from "./broker.mjs";
import { mostRow } from "./rows.mjs";

/** @typedef {import("./broker.mjs").Agent} Agent */

const rounds = 100;
/** Agents that ask without a pause all the while. */
const others = 8;

// Setting up takes more sign-ins and calls of one person in a minute than anybody makes; what is measured is not limited.
const limits = { sign_ins: 100_000, calls: 100_000, refusals: 100_000 };

/**
 * @param {import("./children.mjs").Children} children
 * @param {string} folder
 */
export async function benchRevocation(children, folder) {
  const { child, person, agents } = await openParties(children, folder, { limits, agents: 1 + others });
  const [agent, ...busy] = agents;
  if (agent === undefined) throw new Error("there is no agent");
  const load = startLoad(busy);
  /** @type {number[]} */
  const ofGrants = [];
  /** @type {number[]} */
  const ofAgents = [];
  let minted = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      ofGrants.push(await timeUntilRefused(agent, () => agent.dropGrant(person)));
      await agent.takeGrant(person);
      const doomed = await pair(person);
      ofAgents.push(await timeUntilRefused(doomed, () => doomed.leave(person)));
    }
  } finally {
    minted = await load.stop();
  }
  if (minted < rounds) throw new Error(`the other agents got ${minted} credentials: that is no load`);
  await children.stop(child);
  return [
    mostRow("revocation seen, p99, one node", "ms", p99Of(ofGrants), 1000),
    mostRow("revocation of an agent seen, p99, one node", "ms", p99Of(ofAgents), 1000),
  ];
}

/**
 * Milliseconds until the agent is refused. Fails when it is given anything that it asked for after the revocation was answered.
 *
 * @param {Agent} agent
 * @param {() => Promise<void>} revoke
 */
async function timeUntilRefused(agent, revoke) {
  if (!(await agent.mint())) throw new Error("a new grant was of no use");
  const started = performance.now();
  let isDone = false;
  const revokeNow = async () => {
    await revoke();
    isDone = true;
  };
  const revoked = revokeNow();
  for (;;) {
    const wasDone = isDone;
    if (!(await agent.mint())) break;
    if (wasDone) throw new Error("a credential was given after the revocation had been answered");
  }
  const time = performance.now() - started;
  await revoked;
  return time;
}

/** Lets agents ask without a pause; `stop` answers how many credentials they were given. */
function startLoad(/** @type {readonly Agent[]} */ agents) {
  const end = new AbortController();
  const asking = agents.map(async (agent) => {
    let minted = 0;
    while (!end.signal.aborted && (await agent.mint())) minted += 1;
    return minted;
  });
  return {
    async stop() {
      end.abort();
      return (await Promise.all(asking)).reduce((sum, minted) => sum + minted, 0);
    },
  };
}

/** @param {readonly number[]} times */
function p99Of(times) {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
}
