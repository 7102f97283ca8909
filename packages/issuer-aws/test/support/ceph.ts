// Ceph's object gateway, with its STS and S3 on loopback: one monitor, one store in memory, all state in a folder of its own.
import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const programs = ["ceph-mon", "ceph-mgr", "ceph-osd", "radosgw", "radosgw-admin"];

/** A gateway that runs. */
export interface Ceph {
  readonly endpoint: string;
  /** Of a user who may do anything, IAM included. */
  readonly root: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

/** True where Ceph is installed; under CI it has to be: tools/ci-packages.txt brings it. */
export function hasCeph(): boolean {
  return process.env["CI"] === "true" || programs.every((name) => spawnSync(name, ["--version"]).status === 0);
}

/** Starts one; `root` may do anything. */
export async function startCeph(): Promise<Ceph> {
  const folder = mkdtempSync(join(tmpdir(), "agentkeys-ceph-"));
  const stop = async (): Promise<void> => {
    await endAll(join(folder, "run"));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await start(folder)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(folder: string): Promise<Omit<Ceph, "stop">> {
  for (const name of ["mon", "osd", "mgr", "rgw", "log", "run"]) mkdirSync(join(folder, name));
  const [newer, older, port] = await Promise.all([freePort(), freePort(), freePort()]);
  const addresses = `[v2:127.0.0.1:${newer},v1:127.0.0.1:${older}]`;
  const [fsid, config, keyring] = [randomUUID(), join(folder, "ceph.conf"), join(folder, "keyring")];
  writeFileSync(config, configOf(folder, fsid, addresses, port));
  const ceph = async (program: string, ...args: string[]): Promise<string> =>
    (await run(program, [...args, "-c", config], { timeout: 60_000 })).stdout;
  const key = async (name: string, ...caps: string[]): Promise<unknown> =>
    run("ceph-authtool", [
      keyring,
      ...(name === "mon." ? ["--create-keyring"] : []),
      "--gen-key",
      "-n",
      name,
      ...caps.flatMap((cap) => ["--cap", ...cap.split("=")]),
    ]);
  await run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", addresses, join(folder, "monmap")]);
  await key("mon.", "mon=allow *");
  await key("client.admin", "mon=allow *", "osd=allow *", "mgr=allow *");
  await key("mgr.x", "mon=allow profile mgr", "osd=allow *");
  await key("client.rgw.a", "mon=allow rw", "osd=allow rwx", "mgr=allow rw");
  await ceph("ceph-mon", "--mkfs", "-i", "a", "--monmap", join(folder, "monmap"), "--keyring", keyring);
  await ceph("ceph-mon", "-i", "a");
  await ceph("ceph-mgr", "-i", "x");
  const osd = randomUUID();
  await ceph("ceph", "--connect-timeout", "20", "osd", "new", osd, "0");
  const caps = ["mon", "allow profile osd", "osd", "allow *", "mgr", "allow profile osd"];
  writeFileSync(keyring, await ceph("ceph", "auth", "get-or-create", "osd.0", ...caps), { flag: "a" });
  await ceph("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd);
  await ceph("ceph-osd", "-i", "0");
  await until(async () => (await ceph("ceph", "osd", "stat")).includes("1 up"));
  await ceph("radosgw", "-n", "client.rgw.a");
  const endpoint = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(endpoint)).ok);
  const root = { accessKeyId: "AKIATEST", secretAccessKey: "secretsecret" };
  const keys = [`--access-key=${root.accessKeyId}`, `--secret-key=${root.secretAccessKey}`];
  const may = "--caps=roles=*;oidc-provider=*;user-policy=*";
  await ceph("radosgw-admin", "user", "create", "--uid=root", "--display-name=root", ...keys, may);
  return { endpoint, root };
}

function configOf(folder: string, fsid: string, addresses: string, port: number): string {
  return `[global]
fsid = ${fsid}
mon host = ${addresses}
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = ${folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
mon max pg per osd = 1000
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
pid file = ${folder}/run/$name.pid
log file = ${folder}/log/$name.log
[mon]
paxos propose interval = 0.02
paxos min wait = 0.01
mon data = ${folder}/mon
[mgr]
mgr data = ${folder}/mgr
mgr modules =
[osd]
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd class load list = *
osd class default list = *
[client.rgw.a]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw s3 auth use sts = true
rgw sts key = abcdefghijklmnop
rgw s3 auth order = sts, external, local
rgw enable usage log = false
rgw dns name = localhost
rgw lc debug interval = -1
`;
}

/** Ends the processes whose ids are kept there, and waits until they are gone. What they hold is thrown away: nothing has to be put in order. */
async function endAll(folder: string): Promise<void> {
  const ids = readdirSync(folder)
    .filter((name) => name.endsWith(".pid"))
    .map((name) => Number(readFileSync(join(folder, name), "utf8")))
    .filter((id) => id > 0);
  const signal = (name: NodeJS.Signals | 0): number[] =>
    ids.filter((id) => {
      try {
        return process.kill(id, name);
      } catch {
        return false;
      }
    });
  signal("SIGKILL");
  for (let tries = 0; signal(0).length > 0 && tries < 100; tries++) await setTimeout(20);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds().catch(() => false)) return;
    await setTimeout(100);
  }
  throw new Error("Ceph did not come up");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
