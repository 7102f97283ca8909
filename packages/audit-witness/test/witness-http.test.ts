import { randomBytes } from "node:crypto";
import { request as requestHttp } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { growTo, openWitness, post, submit } from "./support.ts";

test("what is no add-checkpoint request is 400", async () => {
  const log = growTo(3);
  const witness = await openWitness(log);
  const { note } = log.head();
  const hash = randomBytes(32).toString("base64");
  const bodies = [
    "",
    "\n\n",
    note,
    `\n${note}`,
    `old\n\n${note}`,
    `old 00\n\n${note}`,
    `old +1\n\n${note}`,
    `old -1\n\n${note}`,
    `old 1e1\n\n${note}`,
    `old 9007199254740992\n\n${note}`,
    `old 0 \n\n${note}`,
    `old 0\r\n\r\n${note}`,
    `Old 0\n\n${note}`,
    `old 0\n${note}`,
    `old 0\n\n\n${note}`,
    `old 0\n${hash.slice(1)}\n\n${note}`,
    `old 0\n${hash}=\n\n${note}`,
    `old 0\n ${hash}\n\n${note}`,
    `old 0\n\n${note.slice(0, -1)}`,
    `old 0\n\n${note}\n`,
    `old 0\n\n${note.replace("\n3\n", "\n03\n")}`,
    `old 0\n\n${note.split("\n\n")[0]}\n`,
    `old 0\n${`${hash}\n`.repeat(64)}\n${note}`,
  ];
  for (const body of bodies)
    expect({ body, answer: await post(witness.url, body) }).toMatchObject({ body, answer: { status: 400 } });
  const bytes = Buffer.concat([Buffer.from(`old 0\n\n${note}`), Buffer.from([0xff])]);
  expect(await post(witness.url, bytes)).toMatchObject({ status: 400 });
  expect(await submit(witness.url, log, 0)).toMatchObject({ status: 200 });
});

test("a body over 64 KiB is 413, another method 405, another address 404, another Host header 421", async () => {
  const log = growTo(1);
  const witness = await openWitness(log, "--host", "Witness.Example");
  expect(await post(witness.url, "x".repeat(65_537))).toMatchObject({ status: 413 });
  expect((await fetch(`${witness.url}/add-checkpoint`)).status).toBe(405);
  expect((await fetch(`${witness.url}/${log.logId}/checkpoint`, { method: "POST" })).status).toBe(405);
  for (const path of ["/", "/add-checkpoint/", `/${log.logId.toUpperCase()}/checkpoint`, "/state/checkpoint"]) {
    expect((await fetch(witness.url + path)).status).toBe(404);
  }
  expect((await fetch(`${witness.url}/${log.logId}/checkpoint`)).status).toBe(404);
  const statusFor = async (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const request = requestHttp(`${witness.url}/`, { headers: { host } }, (response) => resolve(response.statusCode));
      request.on("error", reject).end();
    });
  expect(
    await Promise.all(["evil.example", `evil.example:${new URL(witness.url).port}`, "127.0.0.1"].map(statusFor)),
  ).toEqual([421, 421, 421]);
  expect(await Promise.all(["witness.example", `localhost:${new URL(witness.url).port}`].map(statusFor))).toEqual([
    404, 404,
  ]);
});

test(
  "a request that never ends is cut off within its deadline, and others are served meanwhile",
  { timeout: 40_000 },
  async () => {
    const log = growTo(1);
    const witness = await openWitness(log);
    const { hostname, port } = new URL(witness.url);
    const socket = connect(Number(port), hostname);
    socket.write(`POST /add-checkpoint HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: 100\r\n\r\nold 0`);
    expect(await submit(witness.url, log, 0)).toMatchObject({ status: 200 });
    expect(await text(socket)).toContain("408");
  },
);
