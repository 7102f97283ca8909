import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";
import { serve, type ServerType } from "@hono/node-server";
import { isAgentKeysError } from "@agentkeys/core";
import fc from "fast-check";
import { Hono } from "hono";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mostBodyBytes, readForm, readJson } from "../../src/http/body.ts";

const schema = v.strictObject({ name: v.string(), ttl: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))) });
type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
const post = (body: Body, headers: Readonly<Record<string, string>> = {}): Request =>
  new Request("http://127.0.0.1/", {
    method: "POST",
    body,
    duplex: "half",
    headers: { "content-type": "application/json", ...headers },
  });
const issuesOf = async (body: Body, headers?: Readonly<Record<string, string>>): Promise<unknown> => {
  const fault = await readJson(post(body, headers), schema).catch((error: unknown) => error);
  return isAgentKeysError(fault, "ERR_REQUEST_MALFORMED") ? fault.facts.issues : fault;
};
const codeOf = async (request: Request, read: typeof readJson = readJson): Promise<unknown> =>
  read(request, v.unknown()).then(
    () => "ok",
    (error: unknown) => (error as { code: unknown }).code,
  );

describe("a JSON body", () => {
  test("what the schema takes is answered, and nothing else is in it", async () => {
    expect(await readJson(post('{"name":"ada","ttl":60}'), schema)).toStrictEqual({ name: "ada", ttl: 60 });
  });

  test("every issue is listed with its path and none with a value, which may be a secret", async () => {
    expect(await issuesOf('{"name":7,"ttl":0}')).toStrictEqual(["name: expected string", "ttl: expected >=1"]);
    expect(await issuesOf("{}")).toStrictEqual(["name: is missing"]);
    const nested = v.strictObject({ list: v.array(v.strictObject({ code: v.pipe(v.string(), v.regex(/^\d+$/u)) })) });
    const fault = await readJson(post('{"list":[{"code":"1"},{"code":"s3cret"}]}'), nested).catch((e: unknown) => e);
    expect(fault).toMatchObject({ facts: { issues: ["list.1.code: expected /^\\d+$/u"] } });
    expect(JSON.stringify(fault)).not.toContain("s3cret");
  });

  test("an unknown member is refused by its name", async () => {
    expect(await issuesOf('{"name":"ada","account":"another"}')).toStrictEqual(["account: there is no such member"]);
  });

  test("a member that stands twice, __proto__, too many levels, other text and no text are refused", async () => {
    expect(await issuesOf('{"name":"a","name":"b"}')).toStrictEqual(["(root): a member stands there twice"]);
    expect(await issuesOf('{"__proto__":{}}')).toStrictEqual(["(root): it has a member __proto__"]);
    expect(await issuesOf("[".repeat(33) + "]".repeat(33))).toStrictEqual(["(root): it is deeper than 32 levels"]);
    for (const body of ["[]", "null", '"name"']) {
      expect(await issuesOf(body), body).toStrictEqual(["(root): it is not an object"]);
    }
    for (const body of ["", "{", "name=ada", "\ufeff{}"]) {
      expect(await issuesOf(body), body).toStrictEqual(["(root): it is not JSON"]);
    }
    expect(await issuesOf(null)).toStrictEqual(["(root): it is not JSON"]);
    expect(await issuesOf(Buffer.from([0x22, 0xff, 0x22]))).toStrictEqual(["the body is not UTF-8"]);
  });

  test("of a long body the first issue alone is looked for, since each takes its time", async () => {
    const list = v.strictObject({ items: v.array(v.string()) });
    const items = (count: number) => post(JSON.stringify({ items: Array.from({ length: count }, () => 1) }));
    const found = async (count: number) => readJson(items(count), list).catch((error: unknown) => error);
    expect(await found(20)).toMatchObject({ facts: { issues: expect.objectContaining({ length: 20 }) } });
    expect(await found(20_000)).toMatchObject({ facts: { issues: ["items.0: expected string"] } });
  });

  test("the number of issues listed is bounded", async () => {
    const list = v.strictObject({ list: v.array(v.string()) });
    const fault = await readJson(post(JSON.stringify({ list: Array(500).fill(1) })), list).catch((e: unknown) => e);
    expect((fault as { facts: { issues: unknown[] } }).facts.issues).toHaveLength(32);
  });

  test("another media type, another charset and a compressed body are refused", async () => {
    const types = [
      "",
      "text/plain",
      "application/jsonp",
      "application/json; charset=latin1",
      "application/x-www-form-urlencoded",
    ];
    for (const type of types) {
      expect(await codeOf(post("{}", { "content-type": type })), type).toBe("ERR_REQUEST_MEDIA_TYPE");
    }
    expect(await codeOf(post("{}", { "content-encoding": "gzip" }))).toBe("ERR_REQUEST_MEDIA_TYPE");
    for (const type of [
      "application/json",
      "Application/JSON",
      "application/json; charset=UTF-8",
      'application/json;charset="utf-8"',
    ]) {
      expect(await codeOf(post("{}", { "content-type": type })), type).toBe("ok");
    }
  });
});

describe("a form body", () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const fields = v.record(v.string(), v.string());

  test("any fields come back as URLSearchParams wrote them, without the empty ones", async () => {
    // A record of valibot never takes these names.
    const isTaken = (text: string): boolean => !["__proto__", "prototype", "constructor"].includes(text);
    const name = fc.string({ unit: "grapheme", minLength: 1 }).filter(isTaken);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, fc.string({ unit: "grapheme" })), async (entries) => {
        const body = new URLSearchParams(entries).toString();
        const filled = Object.entries(entries).filter(([, value]) => value !== "");
        expect(await readForm(post(body, form), fields)).toStrictEqual(Object.fromEntries(filled));
      }),
    );
  });

  test("RFC 6749 section 3.2: a parameter twice is refused, one without a value counts as left out", async () => {
    expect(await codeOf(post("token=a&token=b", form), readForm)).toBe("ERR_REQUEST_MALFORMED");
    expect(await codeOf(post("token=&token=b", form), readForm)).toBe("ERR_REQUEST_MALFORMED");
    expect(await codeOf(post("token=a&%74oken=a", form), readForm)).toBe("ERR_REQUEST_MALFORMED");
    expect(await readForm(post("token=&client_id=x&flag", form), fields)).toStrictEqual({ client_id: "x" });
  });

  test("a malformed escape, bytes that are no UTF-8 and __proto__ are refused", async () => {
    for (const body of ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%ed%a0%80", "__proto__=x"]) {
      expect(await codeOf(post(body, form), readForm), body).toBe("ERR_REQUEST_MALFORMED");
    }
    expect(await codeOf(post("{}"), readForm)).toBe("ERR_REQUEST_MEDIA_TYPE");
  });
});

describe("the limit of 64 KiB", () => {
  const json = (bytes: number): string => JSON.stringify({ a: "a".repeat(bytes - 8) });

  test("a body of exactly the limit is read and one byte more is refused, declared or not", async () => {
    for (const headers of [{}, { "content-length": String(mostBodyBytes) }]) {
      expect(await codeOf(post(json(mostBodyBytes), headers))).toBe("ok");
      expect(await codeOf(post(json(mostBodyBytes + 1), headers))).toBe("ERR_REQUEST_BODY_TOO_LARGE");
    }
  });

  const chunked = { "content-length": "10", "transfer-encoding": "chunked" };
  test.each([{}, chunked])("a stream without end is left as soon as the limit is passed %o", async (headers) => {
    let sent = 0;
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024;
        controller.enqueue(new Uint8Array(1024).fill(0x20));
      },
      cancel() {
        isCancelled = true;
      },
    });
    expect(await codeOf(post(endless, headers))).toBe("ERR_REQUEST_BODY_TOO_LARGE");
    expect(sent).toBeLessThanOrEqual(mostBodyBytes + 4096);
    expect(isCancelled).toBe(true);
  });

  test("a declared length that is no number or too large is refused before a byte is read", async () => {
    for (const length of ["65537", "1e99", "-", "NaN", "0x10000000"]) {
      let isRead = false;
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            isRead = true;
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      expect(await codeOf(post(body, { "content-length": length })), length).toBe("ERR_REQUEST_BODY_TOO_LARGE");
      expect(isRead).toBe(false);
    }
  });
});

describe("over a real socket", () => {
  let server: ServerType;
  let port: number;
  const lengths: number[] = [];
  beforeAll(async () => {
    const app = new Hono();
    app.post("/", async (context) => {
      const { a } = await readJson(context.req.raw, v.object({ a: v.string() }));
      lengths.push(a.length);
      return context.json({ length: a.length });
    });
    app.onError((error, context) => context.json({ code: (error as { code?: string }).code }, 400));
    server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(async () => {
    server.close();
    await once(server, "close");
  });

  const send = async (chunks: readonly string[], headers: Readonly<Record<string, string>>): Promise<string> => {
    const request = httpRequest({ port, method: "POST", headers: { "content-type": "application/json", ...headers } });
    const answered = once(request, "response");
    request.on("error", () => request.destroy());
    for (const chunk of chunks) request.write(chunk);
    request.end();
    const [response] = (await answered) as [Parameters<typeof readAll>[0]];
    return readAll(response);
  };
  const many = ['{"a":"', ...Array.from({ length: 100 }, () => "a".repeat(1024)), '"}'];

  test("a body within the limit arrives, chunked or with its length", async () => {
    expect(await send(['{"a":"ab', 'cd"}'], { "transfer-encoding": "chunked" })).toBe('{"length":4}');
    expect(await send(['{"a":"abcd"}'], { "content-length": "12" })).toBe('{"length":4}');
  });

  test("a chunked body over the limit, which declares nothing, is refused", async () => {
    expect(await send(many, { "transfer-encoding": "chunked" })).toContain("ERR_REQUEST_BODY_TOO_LARGE");
  });

  test("a body that declares less than it sends is cut at what it declared", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n");
    socket.write(`{"a":"ab"}${"a".repeat(1000)}\r\n\r\n`);
    expect(await readAll(socket)).toContain("HTTP/1.1 400");
    expect(lengths.at(-1)).toBe(2);
  });
});
