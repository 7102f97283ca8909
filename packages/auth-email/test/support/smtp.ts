import type { UserAuthMethod } from "@agentkeys/core";
import type { SMTPServerOptions } from "smtp-server";
import { afterEach } from "vitest";
import type { FakeHost } from "@agentkeys/testkit";
import { startMailServer, type MailServer } from "./mail-server.ts";
import { openPlugin } from "./open.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Runs `cleanup` when the test is over, the last one first. */
export function afterThis(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

/** A mail server for this test. */
export async function serve(options: SMTPServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options);
  afterThis(() => server.close());
  return server;
}

/** The plug-in on a loopback SMTP server, in plain text unless `smtp` says otherwise, for this test. */
export async function connectTo(port: number, host: FakeHost, smtp?: object): Promise<UserAuthMethod> {
  const method = await openPlugin(
    {
      from: "AgentKeys <login@acme.example>",
      transport: "smtp",
      smtp: { host: "127.0.0.1", port, ...(smtp ?? { security: "none" }) },
    },
    host,
  );
  afterThis(() => method.close());
  return method;
}

/** The links that could be opened now, as the store has them. */
export function linksOf(host: FakeHost): readonly unknown[] {
  return host.store.entries().filter(({ key }) => key.startsWith("link:"));
}
