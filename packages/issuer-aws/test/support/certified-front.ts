// A reverse proxy before a broker, for a store that wants a certificate with each key, which AWS does not.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy that runs; its URL is the broker's public one. */
export interface CertifiedFront {
  readonly url: string;
  /** Passes requests on to the broker from now on; its RS256 key, in that file, gets a certificate. Answers its SHA-1, upper hex. */
  open(port: number, keyFile: string): string;
  close(): Promise<void>;
}

/** Starts it; until it is opened it answers nobody. */
export async function startCertifiedFront(): Promise<CertifiedFront> {
  let target: { readonly port: number; readonly certificate: X509Certificate } | undefined;
  const server = createServer((incoming, outgoing) => {
    if (target === undefined) {
      outgoing.writeHead(503).end();
      return;
    }
    const { port, certificate } = target;
    const { method, url: path, headers } = incoming;
    const passed = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      if (path !== "/.well-known/jwks.json") {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        const { keys } = JSON.parse(Buffer.concat(parts).toString()) as { keys: { n?: string }[] };
        const { n } = certificate.publicKey.export({ format: "jwk" });
        const x5c = [certificate.raw.toString("base64")];
        const certified = keys.filter((key) => key.n === n).map((key) => ({ ...key, x5c }));
        outgoing.writeHead(200, { "content-type": "application/json" });
        outgoing.end(JSON.stringify({ keys: certified }));
      });
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open(port, keyFile) {
      const made = execFileSync("openssl", [
        "req",
        "-x509",
        "-new",
        "-key",
        keyFile,
        "-days",
        "2",
        "-subj",
        "/CN=keys",
      ]);
      const certificate = new X509Certificate(made);
      target = { port, certificate };
      return certificate.fingerprint.replaceAll(":", "");
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
