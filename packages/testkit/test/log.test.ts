import { logCases } from "../src/index.ts";
import { logMutants } from "./mutants/log-mutants.ts";
import { proveCases } from "./prove-cases.ts";
import { makeLogFixture } from "./reference/file-log.ts";

proveCases(logCases, logMutants, makeLogFixture, "log");
