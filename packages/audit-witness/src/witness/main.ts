import { once } from "node:events";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { isAgentKeysError } from "@agentkeys/core";
import { HeadStore } from "./head-store.ts";
import { makeKeyFile, readKeyFile } from "./key-file.ts";
import { LogList } from "./log-list.ts";
import { listen } from "./server.ts";
import { Witness } from "./witness.ts";

const usage = `agentkeys-witness: a C2SP tlog-witness

  agentkeys-witness keygen --out FILE --name NAME
      Makes a key, writes it to FILE (mode 0600) and prints its vkey. NAME is like a URL without a scheme: witness.example/w1

  agentkeys-witness serve --key FILE --state DIR --listen HOST:PORT [--log VKEY]... [--logs FILE] [--host NAME]...
      Cosigns the heads of the logs given by --log and of those in FILE, one vkey a line. FILE is read again whenever a head of an
      unknown log arrives. --host names a further Host header to serve, for a proxy in front. Prints "ready URL VKEY".
`;

class UsageError extends Error {}

/** Runs the program. Answers its exit code: 0, 64 for a wrong command line, 78 for what the operator must correct, else 70. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const [command = "", ...rest] = args;
    if (command === "keygen") return keygen(rest);
    if (command === "serve") return await serve(rest);
    if (command !== "help" && command !== "--help") throw new UsageError("the command is keygen or serve");
    process.stdout.write(usage);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`agentkeys-witness: ${error.message}\n\n${usage}`);
      return 64;
    }
    const code = isAgentKeysError(error) ? `${error.code}: ` : "";
    process.stderr.write(`${code}${error instanceof Error ? error.message : "it failed"}\n`);
    return code.startsWith("ERR_CONFIG_") ? 78 : 70;
  }
}

function keygen(args: readonly string[]): number {
  const { out, name } = parse(args, { out: { type: "string" }, name: { type: "string" } });
  const path = required("--out", out);
  const named = required("--name", name);
  if (/[+\s\p{Cc}]/u.test(named)) throw new UsageError("--name has no blanks and no plus");
  process.stdout.write(`${makeKeyFile(path, named)}\n`);
  return 0;
}

async function serve(args: readonly string[]): Promise<number> {
  const one = { type: "string" } as const;
  const many = { type: "string", multiple: true } as const;
  const given = parse(args, { key: one, state: one, listen: one, logs: one, log: many, host: many });
  const [, host, port] = /^(.+):([0-9]{1,5})$/u.exec(required("--listen", given.listen)) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new UsageError("--listen is HOST:PORT");
  const [keyFile, state] = [required("--key", given.key), required("--state", given.state)];
  const key = readKeyFile(keyFile);
  const logs = new LogList(given.log ?? [], given.logs);
  const heads = await HeadStore.open(state, key);
  try {
    const options = { host: host.replace(/^\[(.+)\]$/u, "$1"), port: Number(port), hosts: given.host ?? [] };
    const server = await listen(new Witness(key, logs, heads), options);
    process.stdout.write(`ready ${server.url} ${key.vkey}\n`);
    await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
    await server.close();
    return 0;
  } finally {
    heads.close();
  }
}

function parse<Options extends NonNullable<ParseArgsConfig["options"]>>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new UsageError(`${name} is missing`);
  return value;
}
