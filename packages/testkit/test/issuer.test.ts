import { issuerCases } from "../src/index.ts";
import { remoteMutants, tokenMutants } from "./mutants/issuer-mutants.ts";
import { proveCases } from "./prove-cases.ts";
import { makeRemoteIssuerFixture } from "./reference/remote-issuer.ts";
import { makeIssuerFixture } from "./reference/token-issuer.ts";

proveCases(issuerCases, tokenMutants, makeIssuerFixture, "local issuer");
proveCases(issuerCases, remoteMutants, makeRemoteIssuerFixture, "remote issuer");
