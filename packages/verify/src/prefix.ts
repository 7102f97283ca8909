import {
  consistencyPath,
  emptyRoot,
  growTree,
  isConsistency,
  rootAt,
  tileWidth,
  type Checkpoint,
  type HashPath,
  type NodeReader,
} from "@agentkeys/log";
import { invalid } from "./invalid.ts";
import { readHashes, type LogReader } from "./log-reader.ts";

/** The first leaves of a tree, shown by its tiles to be a prefix of it. */
export interface Prefix {
  readonly size: number;
  readonly root: Uint8Array;
  /** RFC 6962 consistency path from the prefix to the whole tree. */
  readonly path: HashPath;
}

const mostKept = 256;
const levelsOfTile = 8;

/** Tells what the first leaves of one signed tree were, from a few of its tiles; keeps the newest tiles it read. */
export class PrefixReader {
  readonly head: Checkpoint;
  readonly #log: LogReader;
  readonly #tiles = new Map<string, HashPath>();

  constructor(log: LogReader, head: Checkpoint) {
    this.head = head;
    this.#log = log;
  }

  /**
   * The root of the first `size` leaves, with the proof that it is one. Throws ERR_AUDIT_PROOF when the log's tiles do not prove it
   * under the head's root: what is answered is bound to the signed head, whatever the tiles say.
   */
  async read(size: number): Promise<Prefix> {
    const { head } = this;
    const wanted = new Map<string, [level: number, index: number]>();
    const walk = (nodeAt: NodeReader): Prefix => ({
      size,
      root: rootAt(size, nodeAt),
      path: consistencyPath(size, head.size, nodeAt),
    });
    walk((level, index) => {
      wanted.set(`${level}/${index}`, [level, index]);
      return emptyRoot;
    });
    const nodes = new Map<string, Uint8Array>();
    for (const [name, [level, index]] of wanted) nodes.set(name, await this.#nodeAt(level, index));
    const prefix = walk((level, index) => nodes.get(`${level}/${index}`) as Uint8Array);
    const { root, path } = prefix;
    if (!isConsistency(size, head.size, root, head.root, path))
      throw invalid("its tiles do not make the root it signed");
    return prefix;
  }

  async #nodeAt(level: number, index: number): Promise<Uint8Array> {
    const [above, inside] = [Math.floor(level / levelsOfTile), level % levelsOfTile];
    const first = index * 2 ** inside;
    const hashes = await this.#tileAt(above, Math.floor(first / tileWidth));
    return growTree(0, [], hashes.slice(first % tileWidth, (first % tileWidth) + 2 ** inside)).root;
  }

  async #tileAt(level: number, index: number): Promise<HashPath> {
    const name = `${level}/${index}`;
    const hashes = this.#tiles.get(name) ?? (await readHashes(this.#log, level, index, this.head.size));
    // Put at the end again, so that the one not asked for the longest is the first.
    this.#tiles.delete(name);
    this.#tiles.set(name, hashes);
    const [oldest] = this.#tiles.keys();
    if (this.#tiles.size > mostKept && oldest !== undefined) this.#tiles.delete(oldest);
    return hashes;
  }
}
