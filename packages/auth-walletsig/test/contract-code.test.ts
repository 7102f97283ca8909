import { describe, expect, it } from "vitest";
import { signatureValidatorCode } from "../src/signature-validator.ts";
import wallets from "./contracts/wallets.json" with { type: "json" };
import { compile } from "./support/compile.ts";

describe("the code of the contracts", () => {
  it("is what solc makes of the sources beside it", () => {
    expect(compile("contracts/SignatureValidator.sol")).toEqual({ SignatureValidator: signatureValidatorCode });
    expect(compile("test/contracts/Wallets.sol")).toEqual(wallets);
  });
});
