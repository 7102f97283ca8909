// What the addresses of an account are told, and what a mail server that fails or hangs can hold up: nothing.
import { Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  headerOf,
  startMailServer,
  textOf,
  type MailServer,
} from "../../../../packages/auth-email/test/support/mail-server.ts";
import { Caller, claim, grant, openBroker, pair, signIn, type Answer, type TestBroker } from "./harness.ts";
import { emailTable, linkAddress } from "./mail.ts";

let broker: TestBroker;
let server: MailServer;
let operator: Caller;
/** What the server does when it is named a recipient, in place of taking the mail. */
let atRecipient: ((address: string) => "takes" | "refuses" | "hangs") | undefined;

beforeAll(async () => {
  server = await startMailServer({
    onRcptTo({ address }, _session, done) {
      const does = atRecipient?.(address) ?? "takes";
      if (does === "refuses") done(Object.assign(new Error("5.7.1 not from you"), { responseCode: 550 }));
      else if (does === "takes") done();
    },
  });
  const limits = "[limits]\nmessages = 1000\nsign_ins = 1000\ncodes = 100\n";
  broker = await openBroker(
    `[accounts]\nsign_up = "open"\n${limits}[auth]\nmethods = ["walletsig", "email"]\n${emailTable(server)}`,
  );
  ({ caller: operator } = await claim(broker));
});
afterEach(() => {
  atRecipient = undefined;
});
afterAll(async () => {
  await broker.close();
  await server.close();
});

interface Member {
  readonly caller: Caller;
  readonly account: string;
  readonly name: string;
  readonly addresses: readonly string[];
}

let members = 0;
const subject = "Your AgentKeys account was changed";
const patience = { timeout: 5000 };

/** A person who came by a wallet and has linked two addresses since. */
async function join(): Promise<Member> {
  const caller = await Caller.open(broker.url);
  const { body } = await signIn(caller, Wallet.createRandom());
  caller.take(body);
  const name = `member${++members}`;
  const addresses = [`${name}@one.example`, `${name}@two.example`];
  for (const address of addresses) await linkAddress(broker, server, caller, address);
  await told(addresses[0]!, 1);
  return { caller, account: body["account"] as string, name, addresses };
}

const noticesTo = (address: string) =>
  server.mails.filter(({ to, raw }) => to.includes(address) && headerOf(raw, "Subject") === subject);

/** The text of the last of that many notices to an address. */
async function told(address: string, times: number): Promise<string> {
  await expect.poll(() => noticesTo(address), patience).toHaveLength(times);
  return textOf(noticesTo(address).at(-1)?.raw ?? "");
}

/** Every mail that was under way before has come: the broker sends this one last. */
async function settle(): Promise<void> {
  const stranger = await Caller.open(broker.url);
  const start = await stranger.call("POST", "/v1/auth/email/start", { email: `after${++members}@example.com` });
  expect(start.status).toBe(200);
  await expect.poll(() => server.open(), patience).toBe(0);
}

const unlink = async ({ caller }: Member, value: string) =>
  caller.call("DELETE", "/v1/account/identities", { type: "email", value });
const recoveryCode = async ({ account }: Member) => operator.call("POST", `/v1/accounts/${account}/recovery`);

async function recover(code: string): Promise<{ answer: Answer; caller: Caller }> {
  const caller = await Caller.open(broker.url);
  const answer = await signIn(caller, Wallet.createRandom(), code);
  return { answer, caller: caller.take(answer.body) };
}

test("of a linked identity every address hears but the new one, and one that was never proven", async () => {
  const member = await join();
  const [one, two] = member.addresses as [string, string];
  const unproven = `${member.name}@unproven.example`;
  await member.caller.call("POST", "/v1/account/identities/email/start", { email: unproven });
  await linkAddress(broker, server, member.caller, `${member.name}@three.example`);
  expect(await told(one, 2)).toContain("A new identity was linked");
  expect(await told(two, 1)).toContain("A new identity was linked");
  await settle();
  for (const address of [unproven, `${member.name}@three.example`]) expect(noticesTo(address)).toEqual([]);
});

test("of an unlinked identity every address hears, also the one that was taken away", async () => {
  const member = await join();
  const [one, two] = member.addresses as [string, string];
  expect((await unlink(member, two)).status).toBe(204);
  expect(await told(one, 2)).toContain("An identity was removed");
  expect(await told(two, 1)).toContain("An identity was removed");
  // From then on it hears no more.
  expect((await recoveryCode(member)).status).toBe(201);
  await told(one, 3);
  await settle();
  expect(noticesTo(two)).toHaveLength(1);
});

test("of a recovery code, and of its use, every address of before hears", async () => {
  const member = await join();
  const [one, two] = member.addresses as [string, string];
  const made = await recoveryCode(member);
  expect(await told(one, 2)).toContain("recovery code");
  expect(await told(two, 1)).not.toContain(made.body.code);
  expect((await recover(made.body.code as string)).answer.body.account).toBe(member.account);
  expect(await told(one, 3)).toContain("was recovered");
  expect(await told(two, 2)).toContain("was recovered");
});

test("of an erased account every address it had hears", async () => {
  const member = await join();
  const [one, two] = member.addresses as [string, string];
  expect((await member.caller.call("DELETE", "/v1/account")).status).toBe(204);
  expect(await told(one, 2)).toContain("was erased");
  expect(await told(two, 1)).toContain("was erased");
});

test("what changes nothing of the account is told to nobody", async () => {
  const { caller, addresses } = await join();
  const { id } = await pair(broker, caller);
  await grant(caller, id);
  expect((await caller.call("DELETE", `/v1/agents/${id}`)).status).toBe(204);
  expect((await unlink({ caller } as Member, "nobody@example.com")).status).toBe(404);
  await settle();
  expect(addresses.map((address) => noticesTo(address).length)).toEqual([1, 0]);
});

test("nothing that comes from outside stands in a notice, and it goes to one address", async () => {
  const member = await join();
  const [one] = member.addresses as [string, string];
  const mailed = server.mails.length;
  for (const ask of [
    { email: "eve@example.com\r\nBcc: spy@example.com" },
    { email: "eve@example.com, spy@example.com" },
    { email: "eve@example.com spy@example.com" },
    { email: "Eve <eve@example.com>" },
    { email: "eve@example.com\u0000" },
    { email: "eve@example.com", client_name: "a program\r\nBcc: spy@example.com" },
  ]) {
    const start = await member.caller.call("POST", "/v1/account/identities/email/start", ask);
    expect(start.body, JSON.stringify(ask)).toMatchObject({ status: 400, code: "ERR_REQUEST_MALFORMED" });
  }
  expect(server.mails).toHaveLength(mailed);

  member.caller.headers = { "x-forwarded-host": "evil.example", "user-agent": "evil.example/1" };
  await linkAddress(broker, server, member.caller, "evil.example/pay@example.com", "evil.example");
  const lines = (await told(one, 2)).trimEnd().split(/\r?\n/u);
  expect(lines).toEqual([
    "A new identity was linked to your account. Whoever holds it can sign in.",
    "",
    `Broker: ${broker.url}`,
    expect.stringMatching(/^Time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u),
    "",
    "If this was not you or your operator, tell the operator at once.",
    "",
    `Sent by ${broker.url} to the owner of this address.`,
  ]);
  const { raw, to } = noticesTo(one).at(-1)!;
  expect(to).toEqual([one]);
  expect(headerOf(raw, "To")).toBe(one);
  expect(raw).not.toMatch(/evil|spy/u);
});

async function linkWallet(by: Caller): Promise<Answer> {
  const wallet = Wallet.createRandom();
  const start = { address: wallet.address, chain_id: 1 };
  const { challenge_id, message } = (await by.call("POST", "/v1/account/identities/walletsig/start", start)).body;
  const signature = await wallet.signMessage(message as string);
  return by.call("POST", "/v1/account/identities", { challenge_id, message, signature });
}

/** Runs all that is told of on one account; `look` is called at each answer with how many notices there are by then. */
async function changeAll(member: Member, look: (notices: number) => Promise<void>): Promise<void> {
  expect((await linkWallet(member.caller)).status).toBe(201);
  await look(2);
  expect((await unlink(member, member.addresses[1]!)).status).toBe(204);
  await look(4);
  const made = await recoveryCode(member);
  expect(made.status).toBe(201);
  await look(5);
  const { answer, caller } = await recover(made.body.code as string);
  expect(answer.status).toBe(200);
  await look(6);
  expect((await caller.call("DELETE", "/v1/account")).status).toBe(204);
  await look(7);
}

test("a mail server that refuses fails no flow, and each fault is logged", async () => {
  const member = await join();
  const before = broker.lines.length;
  atRecipient = () => "refuses";
  const faults = (): number => broker.lines.slice(before).filter((line) => line.includes("not_notified")).length;
  await changeAll(member, async (notices) => expect.poll(faults, patience).toBe(notices));
  for (const address of member.addresses) expect(broker.lines.slice(before).join("")).not.toContain(address);
});

test("a mail server that hangs holds up no flow: each is answered while all notices of before still wait", async () => {
  const member = await join();
  await settle();
  atRecipient = () => "hangs";
  await changeAll(member, async (notices) => expect.poll(() => server.open(), patience).toBe(notices));
});

test("a server that hangs at one address does not keep the notice from another", async () => {
  const member = await join();
  const [one, two] = member.addresses as [string, string];
  atRecipient = (address) => (address === one ? "hangs" : "takes");
  expect((await linkWallet(member.caller)).status).toBe(201);
  expect(await told(two, 1)).toContain("A new identity was linked");
  expect(noticesTo(one)).toHaveLength(1);
});
