import { expect, it } from "vitest";
import { parseBrokerUrl } from "../src/index.ts";

it.each([
  ["https://keys.example/", "https://keys.example"],
  ["https://KEYS.example:443", "https://keys.example"],
  ["https://example.com/agentkeys/", "https://example.com/agentkeys"],
  ["http://127.0.0.1:8787", "http://127.0.0.1:8787"],
  ["http://localhost:8787/", "http://localhost:8787"],
  ["http://[::1]:8787", "http://[::1]:8787"],
])("%s is the broker %s", (text, url) => {
  expect(parseBrokerUrl(text)).toBe(url);
});

it.each([
  ["no URL", "keys.example"],
  ["another scheme", "ftp://keys.example"],
  ["plain http to another machine", "http://keys.example"],
  ["plain http to a name that only begins like loopback", "http://127.0.0.1.example"],
  ["a user", "https://me@keys.example"],
  ["a query", "https://keys.example/?a=1"],
  ["a fragment", "https://keys.example/#a"],
])("%s is refused as a broker", (_, text) => {
  expect(() => parseBrokerUrl(text)).toThrow(expect.objectContaining({ code: "ERR_REQUEST_MALFORMED" }));
});
