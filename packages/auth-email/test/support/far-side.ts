import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { FarSide } from "@agentkeys/testkit";

/** A door before a local port that a test can shut, or let nothing through. */
export interface Door extends FarSide {
  readonly port: number;
  close(): Promise<void>;
}

/** Opens a door on a free loopback port. */
export async function openDoor(target: number): Promise<Door> {
  let state: "up" | "down" | "hanging" = "up";
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // Broken connections are what this is for.
    return socket.on("error", () => undefined);
  };
  const server = createServer((socket) => {
    keep(socket);
    if (state === "down") socket.resetAndDestroy();
    if (state !== "up") return;
    const inner = keep(connect(target, "127.0.0.1"));
    socket.pipe(inner).pipe(socket);
    socket.on("close", () => inner.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    down: () => void (state = "down"),
    hang: () => void (state = "hanging"),
    up: () => void (state = "up"),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
