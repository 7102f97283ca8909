// The main job of AgentKeys, with its own programs as separate processes, through the command line and HTTP only: a witness and
// a broker, a wallet, an account, an agent, a grant, one credential, and its receipt verified offline and witnessed.
//
//   node tools/main-job.mjs            then leaves broker and witness running
//   node tools/main-job.mjs --once     then stops everything and ends with the exit code
//   node tools/main-job.mjs --with aws also gives the agent AWS credentials, of Ceph's STS for Ceph's store
//   --bin-dir DIR                      takes the programs from there, e.g. node_modules/.bin
import { randomBytes } from "node:crypto";
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { constants, tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { awsJob, startAwsPlace } from "./main-job/aws.mjs";
import { configuration } from "./main-job/configuration.mjs";
import { Narrator, StepFailed } from "./main-job/narrator.mjs";
import { Programs } from "./main-job/programs.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const resource = "https://api.example.com";

const { values } = parseArgs({
  options: { once: { type: "boolean", default: false }, "bin-dir": { type: "string" }, with: { type: "string" } },
});
if (values.with !== undefined && values.with !== "aws") throw new Error("--with takes aws");
const binDir = values["bin-dir"] === undefined ? undefined : resolve(values["bin-dir"]);
const programs = new Programs(root, binDir);
const folder = await makeFolder(values.once);
const at = (/** @type {string} */ name) => join(folder, name);
// Commands are printed as one would type them, with the folder in a variable of the shell.
const narrator = new Narrator((text) => text.replaceAll(folder, "$D"));

/** @type {import("./main-job/aws.mjs").AwsPlace | undefined} */
let place;
async function stopAll() {
  await programs.stop();
  await place?.stop();
}

let isStopping = false;
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    if (isStopping) return;
    isStopping = true;
    narrator.silence();
    void stopAll().then(async () => {
      if (values.once) await rm(folder, { recursive: true });
      process.exit(128 + constants.signals[signal]);
    });
  });
}

try {
  const { url } = await mainJob();
  console.log(`\nThe main job is done, in ${narrator.total}.`);
  if (values.once) {
    await stopAll();
    await rm(folder, { recursive: true });
  } else {
    await stayUp(url);
  }
} catch (error) {
  // Told to stop: what comes after that ends the process.
  if (!isStopping) {
    await stopAll();
    if (!(error instanceof StepFailed)) throw error;
    console.error(`What was written is in ${shortName(folder)}.`);
    process.exitCode = 1;
  }
}

async function mainJob() {
  console.log("AgentKeys, the main job. To do it by hand:");
  for (const line of programs.preparation) console.log(`   $ ${line}`);
  console.log(
    values.once ? "   $ D=$(mktemp -d)" : `   $ mkdir -p -m 700 ${shortName(folder)}; D=${shortName(folder)}`,
  );

  const keygen = ["keygen", "--out", at("witness.key"), "--name", "witness.local/w1"];
  const logs = at("logs");
  const serve = [
    "serve",
    "--key",
    at("witness.key"),
    "--state",
    at("witness"),
    "--listen",
    "127.0.0.1:0",
    "--logs",
    logs,
  ];
  const witness = await narrator.step(
    "A witness: it cosigns only what extends the log as it last saw it",
    [typed("agentkeys-witness", keygen), `touch ${logs}`, `${typed("agentkeys-witness", serve)} &`],
    async () => {
      await writeFile(logs, "");
      await programs.run("agentkeys-witness", keygen);
      const running = programs.start("agentkeys-witness", serve, at("witness.log"));
      const [, address = "", vkey = ""] = await running.until(/^ready (\S+) (\S+)$/mu, 15_000);
      return [{ address, vkey }, `${vkey} at ${address}`];
    },
  );

  if (values.with === "aws")
    place = await narrator.step(
      "Ceph's STS and store in place of AWS, and a proxy that adds the certificate which Ceph wants",
      ["# with AWS itself: docs/operate/aws.md"],
      async () => {
        const made = await startAwsPlace(root);
        return [made, `${made.endpoint}, the broker's public URL is ${made.url}`];
      },
    );
  const port = await freePort();
  const url = place?.url ?? `http://127.0.0.1:${port}`;
  const toml = configuration(url, port, witness) + (place?.section ?? "");
  const boot = ["--config", at("agentkeys.toml")];
  await narrator.step(
    "A broker: one TOML file, everything else embedded",
    [
      `cat > ${at("agentkeys.toml")} <<END\n${toml}END`,
      `ln -s ${programs.binDir === undefined ? `$PWD/${shortName(programs.installation)}` : programs.installation} ${at("node_modules")}`,
      `${typed("agentkeys-broker", boot)} &`,
    ],
    async () => {
      await writeFile(at("agentkeys.toml"), toml);
      // Plug-ins are loaded from the operator's folder, where npm would have put them.
      await symlink(programs.installation, at("node_modules"));
      await programs.start("agentkeys-broker", boot, at("broker.log")).until(/^ready \S+$/mu, 30_000);
      await place?.settle(port, at("data"));
      return [undefined, `ready at ${url}`];
    },
  );

  await narrator.step(
    "The witness is told which log to watch",
    [`curl -s ${url}/.well-known/agentkeys | jq -r .log.vkey >> ${logs}`],
    async () => {
      const answer = await fetch(`${url}/.well-known/agentkeys`, { signal: AbortSignal.timeout(10_000) });
      const { log } = /** @type {{log: {vkey: string}}} */ (await answer.json());
      await appendFile(logs, `${log.vkey}\n`);
      return [undefined, log.vkey];
    },
  );

  const [passphrase, words] = [at("passphrase"), at("words")];
  const person = ["--home", at("person")];
  const agent = ["--home", at("agent")];
  const pass = ["--passphrase-file", passphrase];
  const claim = ["--broker", url, "--claim-code-file", at("data/claim-code")];
  const init = ["init", "wallet", ...claim, "--yes", "--store", "file", "--mnemonic-out", words, ...pass, ...person];
  await narrator.step(
    "A person: a wallet of their own, which claims the broker's first account",
    [
      `(umask 077; openssl rand -hex 16 > ${passphrase})`,
      typed("agentkeys", init),
      typed("agentkeys", ["whoami", ...person]),
    ],
    async () => {
      await writeFile(passphrase, `${randomBytes(16).toString("hex")}\n`, { mode: 0o600 });
      const made = await ask(init);
      const who = await ask(["whoami", ...person]);
      return [undefined, `wallet ${made.wallet.address}`, `account ${who.account}, ${who.role}`];
    },
  );

  const pair = ["agents", "pair", "--name", "report", "--broker", url, "--witness", witness.vkey, ...agent];
  const approve = (/** @type {string} */ code) => ["agents", "approve", code, "--yes", ...pass, ...person];
  await narrator.step(
    "An agent: it makes its key and waits; the person sees the key and approves",
    [`${typed("agentkeys", pair)} &`, typed("agentkeys", approve("CODE"))],
    async () => {
      const waiting = programs.start("agentkeys", [...pair, "--json"]);
      const [line] = await waiting.until(/^\{"event":"user_code".*\}$/mu, 30_000);
      const shown = JSON.parse(line);
      const approved = await ask(approve(shown.user_code));
      if (approved.key_thumbprint !== shown.key_thumbprint)
        throw new Error("another key was approved than the agent's");
      const ended = await waiting.ended;
      if (ended.code !== 0) throw new Error(`agentkeys agents pair ended with ${ended.code}\n${ended.stderr}`);
      return [undefined, `code ${shown.user_code}, key ${shown.key_thumbprint}`, `paired as ${approved.id}`];
    },
  );

  const limits = ["--max-ttl", "10m", "--max-uses", "100", "--expires", "30d"];
  const create = ["grants", "create", "--agent", "report", "--resource", resource, ...limits, ...pass, ...person];
  await narrator.step("A grant: what the agent may ask for, and no more", [typed("agentkeys", create)], async () => {
    const grant = await ask(create);
    return [undefined, `${grant.id}: ${grant.issuer}, ${grant.scope.actions} on ${grant.scope.resources}`];
  });

  const [token, receipt] = [at("token"), at("receipt.json")];
  const files = ["--out", token, "--receipt", receipt];
  const issue = ["issue", "--agent", "report", "--resource", resource, "--ttl", "10m", ...files, ...agent];
  const record = await narrator.step(
    "A credential: recorded first, released then, and taken only with its receipt",
    [typed("agentkeys", issue)],
    async () => {
      const issued = await ask(issue);
      const [, payload = ""] = (await readFile(token, "utf8")).split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
      return [
        String(issued.record),
        `${issued.credential.id}, a ${issued.credential.type} for ${claims.aud}, until ${issued.credential.expires_at}`,
        `record ${issued.record}`,
      ];
    },
  );

  const trust = at("trust.policy");
  const policy = ["audit", "trust", "--agent", "report", ...agent];
  const verify = [receipt, "--trust", trust];
  await narrator.step(
    "Its receipt, verified offline under the keys pinned at pairing",
    [`${typed("agentkeys", policy)} > ${trust}`, typed("agentkeys-verify", verify)],
    async () => {
      await writeFile(trust, (await programs.run("agentkeys", policy)).stdout);
      return [undefined, ...verdictOf((await programs.run("agentkeys-verify", verify)).stdout)];
    },
  );

  const upgraded = at("receipt-witnessed.json");
  const wait = ["--wait-witnessed", "30s", "--out", upgraded];
  const show = ["audit", "show", record, "--agent", "report", ...wait, ...agent];
  const require = [upgraded, "--trust", trust, "--require", "witnessed"];
  await narrator.step(
    "The same receipt once the witness has cosigned: nobody is shown another log",
    [typed("agentkeys", show), typed("agentkeys-verify", require)],
    async () => {
      await programs.run("agentkeys", show);
      return [undefined, ...verdictOf((await programs.run("agentkeys-verify", require)).stdout)];
    },
  );
  if (place !== undefined) await awsJob({ narrator, programs, typed, ask }, place, { pass, person, agent });
  return { url };
}

/** Runs a command with `--json` and answers the JSON of its last line. */
async function ask(/** @type {readonly string[]} */ args) {
  const { stdout } = await programs.run("agentkeys", [...args, "--json"]);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

/** The level of a verdict, and what was proven of log and credential. */
function verdictOf(/** @type {string} */ report) {
  const lines = report.split("\n");
  const wanted = /^ {2}(record|credential|valid to|cosigned)/u;
  return [lines[0] ?? "", ...lines.filter((line) => wanted.test(line))];
}

async function stayUp(/** @type {string} */ url) {
  console.log(`
Broker and witness stay up; Ctrl-C stops both.
   broker    ${url}   (try ${url}/readyz and ${url}/.well-known/agentkeys)
   files     ${shortName(folder)}   (agentkeys.toml, data/, broker.log, witness.log)
   again     agentkeys issue --agent report --resource ${resource} --home ${shortName(at("agent"))}`);
  const ended = await Promise.race([...programs.running].map((one) => one.ended));
  if (isStopping) return;
  console.error(`One of the two ended by itself, with ${ended.code}:\n${ended.stderr.slice(-2000)}`);
  await programs.stop();
  process.exitCode = 1;
}

/** A new folder: under the repository where it stays in use, else a temporary one. */
async function makeFolder(/** @type {boolean} */ isTemporary) {
  if (isTemporary) return mkdtemp(join(tmpdir(), "agentkeys-main-job-"));
  const parent = join(root, ".agentkeys");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  return mkdtemp(join(parent, "main-job-"));
}

/** A path as one would type it at the root of the repository. */
function shortName(/** @type {string} */ path) {
  const short = relative(root, path);
  return short.startsWith("..") ? path : short;
}

/** A command line for a shell. */
function typed(/** @type {string} */ program, /** @type {readonly string[]} */ args) {
  const quoted = args.map((part) => (/^[\w@%+=:,./-]+$/u.test(part) ? part : `'${part}'`));
  return [program, ...quoted].join(" ");
}

/** The default port of a broker where it is free, else another one. */
async function freePort() {
  for (const port of values.once ? [0] : [8787, 0]) {
    const server = createServer();
    const found = await new Promise((resolvePort) => {
      server.once("error", () => resolvePort(undefined));
      server.listen(port, "127.0.0.1", () => resolvePort(server.address()));
    });
    server.close();
    if (found !== undefined) return found.port;
  }
  throw new Error("no port is free");
}
