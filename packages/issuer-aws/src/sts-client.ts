import type { PluginHost } from "@agentkeys/core";
import { STSClient } from "@aws-sdk/client-sts";
import type { AwsSettings } from "./config.ts";

/** An answer of STS has some 3 KiB. */
const mostBytes = 64 * 1024;

/**
 * The SDK's client, by the host's network alone. It signs nothing, so it looks for no credentials; every setting that it would look for
 * in the environment or in files is given here, so that none of them moves an identity token elsewhere. It makes one attempt.
 */
export function createStsClient({ region, endpoint }: AwsSettings, host: Pick<PluginHost, "fetch">): STSClient {
  return new STSClient({
    region,
    endpoint,
    authSchemePreference: [],
    retryMode: "standard",
    maxAttempts: 1,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    userAgentAppId: "agentkeys",
    requestHandler: handleBy(host),
  });
}

/** Of the SDK's request, what is sent on. */
interface Outgoing {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The operation's parameters, as a form. */
  readonly body?: string;
}

/** What the SDK sends goes by `host.fetch`: within its limits, and without a socket of the plug-in's own. */
function handleBy(host: Pick<PluginHost, "fetch">): STSClient["config"]["requestHandler"] {
  return {
    async handle({ protocol, hostname, port, path, ...request }: Outgoing, options: { abortSignal?: unknown } = {}) {
      const url = `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`;
      const { method, headers, body = "" } = request;
      const signal = options.abortSignal instanceof AbortSignal ? { signal: options.abortSignal } : {};
      const answer = await host.fetch(url, { method, headers, body, maxBytes: mostBytes, ...signal });
      const fields = Object.fromEntries(answer.headers);
      return { response: { statusCode: answer.status, headers: fields, body: inEnvelope(answer.body) } };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

/** Ceph's STS gives an error without the envelope in which the SDK reads it. */
function inEnvelope(body: Uint8Array): Uint8Array {
  const [, error] = /^(?:<\?xml[^>]*>\s*)?(<Error>.*<\/Error>)\s*$/su.exec(Buffer.from(body).toString()) ?? [];
  return error === undefined ? body : Buffer.from(`<ErrorResponse>${error}</ErrorResponse>`);
}
