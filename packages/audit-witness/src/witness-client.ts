import type { Call, HostFetchInit, HostResponse, PluginHost } from "@agentkeys/core";
import {
  logId as hashOrigin,
  parseCheckpoint,
  parseNote,
  toHex,
  verifyLine,
  type Checkpoint,
  type NoteKey,
} from "@agentkeys/log";
import type { AuditWitnessConfig } from "./index.ts";

/** What the witness says to a head, by C2SP tlog-witness. */
export type Submission =
  /** `line` is its verified cosignature, with its newline. */
  | { readonly kind: "cosigned"; readonly line: string }
  /** The size it has instead of the one the proof began at. */
  | { readonly kind: "conflict"; readonly size: number }
  /** It holds that the head does not extend the one it has. */
  | { readonly kind: "inconsistent" }
  | { readonly kind: "retry"; readonly afterMs: number; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

/** The newest head the witness has, with its own cosignature verified. */
export interface FarHead extends Checkpoint {
  readonly note: string;
}

const maxBytes = 65_536;
const retryMilliseconds = 5000;
const longestRetryMilliseconds = 3_600_000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Speaks C2SP tlog-witness with one witness. Nothing that the far side does makes it throw. */
export class WitnessClient {
  readonly #config: AuditWitnessConfig;
  readonly #key: NoteKey;
  readonly #host: PluginHost;

  constructor(config: AuditWitnessConfig, key: NoteKey, host: PluginHost) {
    this.#config = config;
    this.#key = key;
    this.#host = host;
  }

  /** `add-checkpoint`: submits a note with the consistency proof from `old`. */
  async submit(note: string, old: number, proof: readonly string[], call: Call): Promise<Submission> {
    const body = `old ${old}\n${proof.map((hash) => `${hash}\n`).join("")}\n${note}`;
    const headers = { "content-type": "text/plain; charset=utf-8" };
    const answer = await this.#fetch(`${this.#config.url}/add-checkpoint`, { method: "POST", headers, body }, call);
    if (typeof answer === "string") return { kind: "retry", afterMs: retryMilliseconds, reason: answer };
    const reason = `the witness answered ${answer.status}${describe(answer)}`;
    switch (answer.status) {
      case 200:
        return this.#readCosignature(parseNote(note).text, answer);
      case 409:
        return readConflict(answer) ?? { kind: "refused", reason: "the witness answered 409 without a size" };
      case 422:
        return { kind: "inconsistent" };
      // An operator adds the log to the witness while this broker runs.
      case 404:
        return {
          kind: "retry",
          afterMs: retryMilliseconds,
          reason: `the witness does not know this log yet${describe(answer)}`,
        };
      case 408:
      case 429:
        return { kind: "retry", afterMs: retryAfter(answer), reason };
      default:
        return answer.status >= 500
          ? { kind: "retry", afterMs: retryAfter(answer), reason }
          : { kind: "refused", reason };
    }
  }

  /** Its newest head of a log: undefined when it says that it has none, text when it cannot be asked or answers falsely. */
  async newestHead(logId: string, call: Call): Promise<FarHead | undefined | string> {
    const prefix = this.#config.monitoring_url ?? this.#config.url;
    const answer = await this.#fetch(`${prefix}/${logId}/checkpoint`, {}, call);
    if (typeof answer === "string") return answer;
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) return `the witness answered ${answer.status}`;
    try {
      const note = utf8.decode(answer.body);
      const { text, signatures } = parseNote(note);
      const checkpoint = parseCheckpoint(text);
      if (toHex(hashOrigin(checkpoint.origin)) !== logId) return "the witness shows the head of another log";
      const lines = signatures.map(({ line }) => line);
      return (await this.findCosignature(text, lines)) === undefined
        ? "the witness's head does not bear its own cosignature"
        : { ...checkpoint, note };
    } catch {
      return "the witness's head is not a checkpoint";
    }
  }

  /** The line among these that is a cosignature of the text by the witness's key. */
  async findCosignature(text: string, lines: readonly string[]): Promise<string | undefined> {
    for (const line of lines) {
      const verified = await verifyLine(text, line, this.#key);
      // C2SP tlog-witness: the timestamp must not be zero.
      if (verified?.timestamp !== undefined && verified.timestamp > 0) return line;
    }
    return undefined;
  }

  async #readCosignature(text: string, { body }: HostResponse): Promise<Submission> {
    const lines = tryDecode(body)?.split("\n") ?? [];
    if (lines.pop() !== "" || lines.length > 64)
      return { kind: "refused", reason: "the witness's answer is not signature lines" };
    const line = await this.findCosignature(text, lines);
    if (line !== undefined) return { kind: "cosigned", line: `${line}\n` };
    return { kind: "refused", reason: "the witness's answer bears no cosignature of this head by its configured key" };
  }

  async #fetch(url: string, init: HostFetchInit, { signal }: Call): Promise<HostResponse | string> {
    try {
      return await this.#host.fetch(url, { ...init, signal, maxBytes });
    } catch (error) {
      return `the witness could not be reached: ${error instanceof Error ? error.message : "unknown"}`;
    }
  }
}

function readConflict({ headers, body }: HostResponse): Submission | undefined {
  if (headers.get("content-type") !== "text/x.tlog.size") return undefined;
  const [, digits] = /^(0|[1-9][0-9]{0,15})\n$/u.exec(tryDecode(body) ?? "") ?? [];
  const size = digits === undefined ? Number.NaN : Number(digits);
  return Number.isSafeInteger(size) ? { kind: "conflict", size } : undefined;
}

function retryAfter({ headers }: HostResponse): number {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return seconds > 0 ? Math.min(seconds * 1000, longestRetryMilliseconds) : retryMilliseconds;
}

/** What it said of the reason, in one short line. */
function describe({ body }: HostResponse): string {
  const line =
    (tryDecode(body) ?? "")
      .split("\n", 1)[0]
      ?.replaceAll(/[^ -~]/gu, "")
      .slice(0, 200) ?? "";
  return line === "" ? "" : `: ${line}`;
}

function tryDecode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
