import { expect, test } from "vitest";
import { rememberWallets } from "../../src/boot/remembered-wallets.ts";

test("a wallet is looked up once, until what is bound changes", async () => {
  const asked: string[] = [];
  const wallets = rememberWallets(async (account) => {
    asked.push(account);
    return asked.length === 1 ? undefined : "0x2";
  }, 10);
  expect([await wallets.of("acc"), await wallets.of("acc")]).toEqual([undefined, undefined]);
  wallets.forget("acc");
  expect([await wallets.of("acc"), await wallets.of("acc")]).toEqual(["0x2", "0x2"]);
  expect(asked).toEqual(["acc", "acc"]);
});

test("an answer that comes after the change is not remembered", async () => {
  const answers: ((address: string) => void)[] = [];
  const wallets = rememberWallets(() => {
    const { promise, resolve } = Promise.withResolvers<string>();
    answers.push(resolve);
    return promise;
  }, 10);
  const before = wallets.of("acc");
  wallets.forget("acc");
  const after = wallets.of("acc");
  answers[1]?.("0xnew");
  answers[0]?.("0xold");
  expect([await before, await after, await wallets.of("acc")]).toEqual(["0xold", "0xnew", "0xnew"]);
});

test("a look-up that failed is made again", async () => {
  let tries = 0;
  const wallets = rememberWallets(async () => {
    if (++tries === 1) throw new Error("away");
    return "0x1";
  }, 10);
  await expect(wallets.of("acc")).rejects.toThrow("away");
  expect(await wallets.of("acc")).toBe("0x1");
});
