// One HTTP/1.1 connection with one request under way, read by hand: a full HTTP client would cost as much as the server it measures.
import { connect } from "node:net";

const longestWait = 20_000;
const headEnd = Buffer.from("\r\n\r\n");

/** @typedef {{ status: number, head: string, body: string }} Answer */

export class Connection {
  /** @type {Buffer} */
  #received = Buffer.alloc(0);
  /** @type {{ resolve: (answer: Answer) => void, reject: (error: Error) => void } | undefined} */
  #waiting;

  /** @param {import("node:net").Socket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.setNoDelay(true).setTimeout(longestWait, () => socket.destroy(new Error("no answer in time")));
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("the server closed the connection")));
  }

  /** @param {number} port of 127.0.0.1 */
  static async open(port) {
    const socket = connect({ port, host: "127.0.0.1" });
    await new Promise((resolve, reject) => {
      socket.once("connect", () => resolve(undefined)).once("error", reject);
    });
    return new Connection(socket);
  }

  /**
   * @param {string} request all of it, in ASCII
   * @returns {Promise<Answer>}
   */
  send(request) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.socket.write(request, "latin1");
    });
  }

  close() {
    this.socket.destroy();
  }

  #take(/** @type {Buffer} */ bytes) {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    const end = this.#received.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const length = /^content-length: (\d+)$/imu.exec(head)?.[1];
    if (length === undefined) {
      this.socket.destroy(new Error(`an answer without its length:\n${head}`));
      return;
    }
    const all = end + 4 + Number(length);
    if (this.#received.length < all) return;
    const answer = { status: Number(head.slice(9, 12)), head, body: this.#received.toString("utf8", end + 4, all) };
    this.#received = this.#received.subarray(all);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(answer);
  }
}
