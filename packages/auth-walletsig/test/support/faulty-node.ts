import { once } from "node:events";
import { createServer, request as requestHttp, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FarSide } from "@agentkeys/testkit";

/** A proxy before a node, by which it fails. */
export interface FaultyNode {
  readonly url: string;
  readonly farSide: FarSide;
  close(): Promise<void>;
}

/** Starts a proxy on a free port that sends everything on to a node, until it is told otherwise. */
export async function openFaultyNode(node: string): Promise<FaultyNode> {
  let handle = forward;
  const server = createServer((request, response) => handle(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");

  function forward(request: IncomingMessage, response: ServerResponse): void {
    const headers = { "content-type": "application/json" };
    const onward = requestHttp(node, { method: "POST", headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    farSide: {
      up() {
        handle = forward;
      },
      down() {
        handle = (request) => void request.socket.destroy();
      },
      hang() {
        handle = () => undefined;
      },
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
