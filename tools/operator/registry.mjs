// A package registry on loopback that has our packed packages as if they were published, and sends npm to its own for all others.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { execFileSync } from "node:child_process";

/**
 * @param {readonly import("../pack.mjs").Packed[]} packages
 * @returns {Promise<{url: string, close(): Promise<void>}>}
 */
export async function startRegistry(packages) {
  const elsewhere = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/").slice(1);
    const found = packages.find(({ name }) => path === name || path === `tarballs/${name}.tgz`);
    if (found === undefined) return void response.writeHead(302, { location: new URL(path, elsewhere).href }).end();
    if (path !== found.name) return void response.end(readFileSync(found.tarball));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(describe(found, urlOf(server))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: urlOf(server),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What a registry says of a package that was published once. */
function describe({ name, tarball }, url) {
  const manifest = JSON.parse(execFileSync("tar", ["-xOzf", tarball, "package/package.json"], { encoding: "utf8" }));
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  const { version } = manifest;
  const dist = { tarball: `${url}/tarballs/${name}.tgz`, integrity };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
}

function urlOf(server) {
  const { port } = server.address();
  return `http://127.0.0.1:${port}`;
}
