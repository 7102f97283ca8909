import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { AgentKeysError, isAgentKeysError, type Json } from "@agentkeys/core";
import { parseJsonObject, type JsonObject } from "../json/parse-json.ts";
import { carryError, remakeError, type CarriedError } from "../store/engine-message.ts";
import type { Logger } from "./logger.ts";

/** What the programs of the same user may have a running broker do, by name. */
export type ControlActions = Readonly<Record<string, (input: JsonObject) => Promise<Json>>>;

/** The socket of a running broker in its data_dir. */
export interface ControlServer {
  /** Answers from now on; before, every action is refused for now. */
  serve(actions: ControlActions): void;
  close(): Promise<void>;
}

/** Names of sockets are cut off behind so many bytes on one system or another. */
const longestPath = 103;
const mostBytes = 64 * 1024;

/**
 * Opens `<data_dir>/control.sock`, which only the user of the broker may use (mode 0600, in a folder of mode 0700). Throws
 * ERR_AUDIT_IN_USE while another broker answers there: so a second one ends before it touches anything.
 */
export async function openControl(directory: string, logger: Logger): Promise<ControlServer> {
  const path = pathOf(directory);
  if (!canAskControl(directory)) {
    logger.warn("control.unavailable", { path, reason: `a socket's path has at most ${longestPath} bytes` });
    return { serve: () => undefined, close: async () => undefined };
  }
  if (await isHeld(directory))
    throw new AgentKeysError("ERR_AUDIT_IN_USE", `another broker runs on ${directory}`, { path: directory });
  // What a killed broker left behind.
  await rm(path, { force: true });
  let actions: ControlActions | undefined;
  const server = createServer({ requestTimeout: 10_000 }, (incoming, outgoing) => {
    void answer(actions, incoming, outgoing);
  });
  await listen(server, path);
  await chmod(path, 0o600);
  server.unref();
  return {
    serve(wanted) {
      actions = wanted;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** A broker that hangs holds its data all the same. */
async function isHeld(directory: string): Promise<boolean> {
  try {
    return (await askControl(directory, "status", {})) !== undefined;
  } catch (error) {
    if (isSilence(error)) return true;
    throw error;
  }
}

/** False where the path of data_dir is too long for a socket: a broker that runs there cannot be asked. */
export function canAskControl(directory: string): boolean {
  return Buffer.byteLength(pathOf(directory)) <= longestPath;
}

/** A broker holds the socket and does not answer. */
class Silence extends Error {}

/** True for what {@link askControl} throws where a broker runs and does not answer in time. */
export function isSilence(error: unknown): boolean {
  return error instanceof Silence;
}

/**
 * Has the broker that runs on a data_dir do something; undefined where none runs. Throws what the broker refused it for. `patience` is
 * in milliseconds.
 */
export async function askControl(
  directory: string,
  action: string,
  input: JsonObject,
  patience = 5000,
): Promise<Json | undefined> {
  const socketPath = pathOf(directory);
  if (!canAskControl(directory)) return undefined;
  const body = await new Promise<string | undefined>((resolve, reject) => {
    const asked = request({ socketPath, method: "POST", path: `/${action}`, timeout: patience }, (answered) => {
      text(answered).then(resolve, reject);
    });
    asked.on("timeout", () => asked.destroy(new Silence(`the running broker did not answer within ${patience} ms`)));
    asked.on("error", (fault: NodeJS.ErrnoException) => {
      // No socket, or one that nobody listens on any more.
      if (fault.code === "ENOENT" || fault.code === "ECONNREFUSED" || fault.code === "ENOTDIR") resolve(undefined);
      else reject(fault);
    });
    asked.end(JSON.stringify(input));
  });
  if (body === undefined) return undefined;
  const { done, fault } = parseJsonObject(body) as { readonly done?: Json; readonly fault?: CarriedError };
  if (fault !== undefined) throw remakeError(fault);
  return done ?? {};
}

async function answer(
  actions: ControlActions | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const send = (value: object): void => {
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify(value));
  };
  try {
    const name = incoming.url?.slice(1) ?? "";
    const input = parseJsonObject(await readInput(incoming));
    if (name === "status") {
      send({ done: { pid: process.pid } });
      return;
    }
    const act = actions !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (act === undefined)
      throw new AgentKeysError(
        "ERR_REQUEST_NOT_FOUND",
        `the running broker does not do ${JSON.stringify(name)} now`,
        {},
      );
    send({ done: await act(input) });
  } catch (error) {
    send({ fault: isAgentKeysError(error) ? carryError(error) : carryError(new Error(String(error))) });
  }
}

async function readInput(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) throw new Error("that is too much");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const facts = { address: path, reason: cause.message };
      reject(new AgentKeysError("ERR_CONFIG_LISTEN", `${path}: ${cause.message}`, facts, { cause }));
    });
    server.listen(path, () => resolve());
  });
}

function pathOf(directory: string): string {
  return join(directory, "control.sock");
}
