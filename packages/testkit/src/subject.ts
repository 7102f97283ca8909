import type { Call, Lifecycle, StandardSchemaV1 } from "@agentkeys/core";
import type { ConformanceCase } from "./conformance.ts";
import { check, describe } from "./expect.ts";
import { createCall, createFakeHost, type CallOptions, type FakeHost, type FakeHostOptions } from "./fake-host.ts";
import type { PluginFixture } from "./plugin-fixture.ts";

/** A plug-in opened for one case. */
export interface Subject<Fixture, Instance> {
  readonly fixture: Fixture;
  readonly host: FakeHost;
  readonly instance: Instance;
  /** A call by the subject's host. */
  readonly call: (options?: CallOptions) => Call;
  /** One more instance, over the same host or over another one. Closed after the case. */
  readonly open: (host?: FakeHost) => Promise<Instance>;
  /** One more host like the fixture's, with nothing in its store. */
  readonly makeHost: (options?: FakeHostOptions) => FakeHost;
}

/** Defines a case: `look` gets the plug-in opened and rejects when the obligation does not hold. */
export function defineCase<Fixture extends PluginFixture, Instance extends Lifecycle>(
  id: string,
  states: string,
  look: (subject: Subject<Fixture, Instance>) => Promise<void>,
): ConformanceCase<Fixture> {
  return {
    id,
    states,
    async run(make) {
      await report(states, async () => {
        const fixture = await make();
        const opened: Instance[] = [];
        const hosts: FakeHost[] = [];
        const makeHost = (options?: FakeHostOptions): FakeHost => {
          const host = createFakeHost({ name: fixture.plugin.name, ...fixture.host, ...options });
          hosts.push(host);
          return host;
        };
        const host = makeHost();
        const open = async (other = host): Promise<Instance> => {
          const instance = (await openPlugin(fixture, other)) as Instance;
          opened.push(instance);
          return instance;
        };
        try {
          const call = (options?: CallOptions): Call => createCall(host, options);
          await look({ fixture, host, instance: await open(), call, open, makeHost });
        } finally {
          await Promise.allSettled(opened.map(async (instance) => instance.close()));
          await fixture.close?.();
          await Promise.all(hosts.map(async (used) => used.dispose()));
        }
      });
    },
  };
}

/** Everything that goes wrong in a case reads `conformance: …`, also what the plug-in threw unasked. */
export async function report(states: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("conformance:")) throw error;
    throw new Error(`conformance: "${states}" ended in ${describe(error)}`, { cause: error });
  }
}

/** Parses the section by the plug-in's schema and creates an instance, as the broker does at boot. */
export async function openPlugin(fixture: PluginFixture, host: FakeHost): Promise<Lifecycle> {
  const parsed = await parseConfig(fixture, fixture.config);
  const found = (parsed.issues ?? []).map(({ message }) => message).join("; ");
  check(parsed.issues === undefined, `the fixture's config is refused: ${found}`);
  return fixture.plugin.create(parsed.value, host);
}

/** What the plug-in's schema says of a section. */
export async function parseConfig(
  { plugin }: PluginFixture,
  section: unknown,
): Promise<StandardSchemaV1.Result<unknown>> {
  return plugin.config["~standard"].validate(section);
}
