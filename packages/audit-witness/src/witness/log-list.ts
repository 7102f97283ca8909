import { readFileSync } from "node:fs";
import { AgentKeysError } from "@agentkeys/core";
import { parseVkey, type NoteKey } from "@agentkeys/log";

/** The logs a witness serves, by origin: a log's key bears its origin as its name. */
export class LogList {
  readonly #file: string | undefined;
  readonly #keys = new Map<string, NoteKey[]>();

  /** Takes vkeys and, where given, a file of them. Throws ERR_CONFIG_INVALID naming every one that is none. */
  constructor(vkeys: readonly string[], file?: string) {
    this.#file = file;
    const issues = [...this.#add(vkeys, "--log"), ...this.#readFile()];
    if (issues.length > 0) throw new AgentKeysError("ERR_CONFIG_INVALID", issues.join("; "), { issues });
  }

  /**
   * The keys trusted for an origin; none when it is unknown. An unknown one makes the file be read again, so that an operator adds
   * a log without a restart. What is wrong in it by then is passed over.
   */
  keysOf(origin: string): readonly NoteKey[] {
    if (!this.#keys.has(origin)) this.#readFile();
    return this.#keys.get(origin) ?? [];
  }

  /** One vkey a line; empty lines and those that begin with `#` say nothing. Answers what is wrong. */
  #readFile(): readonly string[] {
    if (this.#file === undefined) return [];
    try {
      const lines = readFileSync(this.#file, "utf8")
        .split("\n")
        .map((line) => line.trim());
      return this.#add(
        lines.filter((line) => line !== "" && !line.startsWith("#")),
        this.#file,
      );
    } catch (error) {
      return [`${this.#file}: ${(error as Error).message}`];
    }
  }

  #add(vkeys: readonly string[], place: string): readonly string[] {
    return vkeys.flatMap((vkey) => {
      try {
        const key = parseVkey(vkey);
        const known = this.#keys.get(key.name) ?? [];
        if (key.algorithm !== 1) return [`${place}: ${vkey} is not a log's key`];
        if (!known.some(({ id }) => Buffer.compare(id, key.id) === 0)) this.#keys.set(key.name, [...known, key]);
        return [];
      } catch {
        return [`${place}: ${vkey} is not a vkey`];
      }
    });
  }
}
