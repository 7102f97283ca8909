import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  encodeEntryBundle,
  encodeRecord,
  formatCheckpoint,
  growTree,
  isTileWithin,
  leafHash,
  logId,
  parseTilePath,
  signatureLine,
  toHex,
  type AuditRecord,
  type GrownTree,
} from "@agentkeys/log";
import type { LogReader } from "../src/index.ts";
import { makeSigner, type TestSigner } from "./support.ts";

/** The time of the first record of a made log, in milliseconds. */
export const started = 1_764_000_000_000;

/** The id of the record at a place, made at a time. */
export function idOf(at: number, time: number): string {
  const digits = time.toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-${at.toString(16).padStart(12, "0")}`;
}

/** A log in memory that signs and serves what a broker's log does. */
export class MadeLog {
  readonly entries: Uint8Array[] = [];
  readonly signers: TestSigner[];
  readonly origin: string;

  constructor(origin: string, signers: TestSigner[] = [makeSigner(origin, 1)]) {
    this.origin = origin;
    this.signers = signers;
  }

  get id(): string {
    return toHex(logId(this.origin));
  }

  get vkeys(): string[] {
    return this.signers.map(({ vkey }) => vkey);
  }

  /** Appends a record; a heartbeat without more. */
  add(fields: Partial<AuditRecord> = {}): this {
    const time = fields.time ?? started + 1000 * this.entries.length;
    const record = { id: idOf(this.entries.length, time), time, type: 42, outcome: 0, ...fields };
    this.entries.push(encodeRecord(record));
    return this;
  }

  /** Appends so many heartbeats. */
  fill(count: number): this {
    for (let at = 0; at < count; at++) this.add();
    return this;
  }

  /** The tree of the first `size` entries. */
  tree(size = this.entries.length): GrownTree {
    return growTree(
      0,
      [],
      this.entries.slice(0, size).map((entry) => leafHash(entry)),
    );
  }

  /** The checkpoint text of a size. */
  text(size = this.entries.length): string {
    return formatCheckpoint({ origin: this.origin, size, root: this.tree(size).root });
  }

  /** The signed head of a size, by the newest signer or by those named. */
  head(size = this.entries.length, signers = this.signers.slice(-1)): string {
    const text = this.text(size);
    const lines = signers.map(({ key, sign }) => signatureLine(key, sign(Buffer.from(text))));
    return `${text}\n${lines.join("")}`;
  }

  /** What stands at a path below the log's URL, with a head of the size. */
  resource(path: string, size = this.entries.length): Uint8Array | undefined {
    if (path === "checkpoint") return Uint8Array.from(Buffer.from(this.head(size, this.signers.slice(-2))));
    const tile = parseTilePath(path);
    if (!isTileWithin(tile, size)) return undefined;
    const first = 256 * tile.index;
    if (tile.level === "entries") return encodeEntryBundle(this.entries.slice(first, first + tile.width));
    const level = 8 * tile.level;
    const hashes = this.tree(size).nodes.filter((node) => node.level === level && node.index >= first);
    return Uint8Array.from(Buffer.concat(hashes.slice(0, tile.width).map(({ hash }) => hash)));
  }

  /** Reads it without HTTP; `change` may answer other bytes for a path. */
  reader(
    change: (path: string, bytes: Uint8Array | undefined) => Uint8Array | undefined = (_, bytes) => bytes,
  ): LogReader {
    return { read: async (path) => change(path, this.resource(path)) };
  }

  /** The policy line that trusts its keys. */
  policy(): string {
    return `${this.vkeys.map((vkey) => `log ${vkey}\n`).join("")}quorum none\n`;
  }
}

/** A server for logs below `/v1/audit/logs/`. */
export interface LogServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Serves a log by HTTP as the broker does; what `answer` takes over is its own. */
export async function serveLogs(
  logs: readonly MadeLog[],
  token: string,
  answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<LogServer> {
  const server = createServer((request, response) => {
    if (answer(request, response)) return;
    const [, id, path = ""] = /^\/v1\/audit\/logs\/([0-9a-f]{64})\/(.+)$/u.exec(request.url ?? "") ?? [];
    const log = logs.find((one) => one.id === id);
    const isHidden = path.startsWith("tile/entries/") && request.headers.authorization !== `Bearer ${token}`;
    const bytes = isHidden ? undefined : log?.resource(path);
    response.writeHead(isHidden ? 401 : bytes === undefined ? 404 : 200).end(bytes);
  });
  await listen(server);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/audit/logs`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
}
