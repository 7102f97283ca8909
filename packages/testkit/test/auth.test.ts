import { authCases } from "../src/index.ts";
import { hmacMutants, letterMutants, pluginMutants } from "./mutants/auth-mutants.ts";
import { proveCases } from "./prove-cases.ts";
import { makeHmacFixture } from "./reference/hmac-auth.ts";
import { makeLetterFixture } from "./reference/letter-auth.ts";

proveCases(authCases, hmacMutants, makeHmacFixture, "HMAC");
proveCases(authCases, [...letterMutants, ...pluginMutants], makeLetterFixture, "letter");
