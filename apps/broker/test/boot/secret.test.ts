import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openSecret } from "../../src/boot/host.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentkeys-secret-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function secretOf(mode: number): string {
  writeFileSync(join(folder, "smtp"), "hunter2\n");
  chmodSync(join(folder, "smtp"), mode);
  return openSecret({ file: "smtp" }, folder);
}

describe("a secret in a file", () => {
  it.each([0o600, 0o400])("is opened with mode %o, without its line end", (mode) => {
    expect(secretOf(mode)).toBe("hunter2");
  });

  it.each([0o640, 0o440, 0o604, 0o660])("is refused with mode %o", (mode) => {
    expect(() => secretOf(mode)).toThrow(expect.objectContaining({ code: "ERR_CONFIG_SECRET" }));
  });

  it("is opened with mode 440 as a credential of systemd, whose access list shows as a right of the group", () => {
    vi.stubEnv("CREDENTIALS_DIRECTORY", folder);
    expect(secretOf(0o440)).toBe("hunter2");
  });

  it.each([0o460, 0o444, 0o600 | 0o010])("is refused with mode %o also among the credentials of systemd", (mode) => {
    vi.stubEnv("CREDENTIALS_DIRECTORY", folder);
    expect(() => secretOf(mode)).toThrow(expect.objectContaining({ code: "ERR_CONFIG_SECRET" }));
  });

  it("is refused with mode 440 in a folder beside that of the credentials", () => {
    vi.stubEnv("CREDENTIALS_DIRECTORY", `${folder}-others`);
    expect(() => secretOf(0o440)).toThrow(expect.objectContaining({ code: "ERR_CONFIG_SECRET" }));
  });
});
