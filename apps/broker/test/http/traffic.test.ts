import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTraffic } from "../../src/http/traffic.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hang = async (): Promise<void> => {
  await Promise.withResolvers<undefined>().promise;
};
const code = (name: string) => expect.objectContaining({ code: name });

test("a request that hangs is over at its deadline and makes room for another", async () => {
  const traffic = createTraffic(1);
  const first = traffic.run(1000, hang).catch((error: unknown) => error);
  await expect(traffic.run(1000, hang)).rejects.toEqual(code("ERR_REQUEST_OVERLOADED"));
  expect(traffic.running).toBe(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await first).toEqual(code("ERR_REQUEST_TIMEOUT"));
  expect(traffic.running).toBe(0);
  await traffic.run(1000, async () => undefined);
  expect(vi.getTimerCount()).toBe(0);
});

test("a request that fails is over with its own error", async () => {
  const traffic = createTraffic(1);
  await expect(traffic.run(1000, () => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
  expect(traffic.running).toBe(0);
});

test("draining takes no request any more and waits for those that run", async () => {
  const traffic = createTraffic(10);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const running = traffic.run(60_000, async () => promise);
  let isDrained = false;
  const drain = async (): Promise<void> => {
    await traffic.drain(5000);
    isDrained = true;
  };
  const drained = drain();
  expect(traffic.isDraining).toBe(true);
  await expect(traffic.run(1000, hang)).rejects.toEqual(code("ERR_REQUEST_SHUTTING_DOWN"));
  await vi.advanceTimersByTimeAsync(4000);
  expect(isDrained).toBe(false);
  resolve(undefined);
  await running;
  await drained;
  expect(vi.getTimerCount()).toBe(0);
});

test("what still runs at the end of the drain is refused, not left hanging", async () => {
  const traffic = createTraffic(10);
  const running = traffic.run(60_000, hang).catch((error: unknown) => error);
  const drained = traffic.drain(5000);
  await vi.advanceTimersByTimeAsync(5000);
  expect(await running).toEqual(code("ERR_REQUEST_SHUTTING_DOWN"));
  await drained;
});

test("an idle broker drains at once", async () => {
  await createTraffic(10).drain(5000);
  expect(vi.getTimerCount()).toBe(0);
});
