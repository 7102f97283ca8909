// Makes the code of the contracts from their sources: `node test/support/compile.ts` in this package's folder.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);

interface SolcAnswer {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts: Readonly<
    Record<string, Readonly<Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>>>
  >;
}

/** Creation code by contract name, 0x and hex, of the source at a path of this package. Without metadata: the source alone decides. */
export function compile(path: string): Record<string, string> {
  const input = {
    language: "Solidity",
    sources: { [path]: { content: readFileSync(at(path), "utf8") } },
    settings: {
      evmVersion: "paris",
      optimizer: { enabled: true, runs: 1 },
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
    },
  };
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input))) as SolcAnswer;
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  const found = Object.values(contracts).flatMap((file) => Object.entries(file));
  return Object.fromEntries(found.map(([name, { evm }]) => [name, `0x${evm.bytecode.object}`]));
}

if (import.meta.main) {
  const code = compile("contracts/SignatureValidator.sol")["SignatureValidator"] ?? "";
  const lines = (code.slice(2).match(/.{1,110}/gu) ?? []).map((line) => `  "${line}",`);
  const head =
    "/** Creation code of contracts/SignatureValidator.sol, made by test/support/compile.ts (solc 0.8.37). */\n" +
    'export const signatureValidatorCode: string = [\n  "0x",\n';
  writeFileSync(at("src/signature-validator.ts"), `${head}${lines.join("\n")}\n].join("");\n`);
  const wallets = compile("test/contracts/Wallets.sol");
  writeFileSync(at("test/contracts/wallets.json"), `${JSON.stringify(wallets, null, 2)}\n`);
}
