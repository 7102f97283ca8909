// oidc-provider as its makers give it: client_credentials with DPoP and server nonces, everything in memory, opaque tokens.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";

const [port = "0", client = "", secret = ""] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: client,
      client_secret: secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: "token",
      id_token_signed_response_alg: "ES256",
    },
  ],
  scopes: ["token"],
  cookies: { keys: [randomBytes(16).toString("hex")] },
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
  },
});

provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
process.on("disconnect", () => process.exit());
