import { anchorCases } from "../src/index.ts";
import { anchorMutants } from "./mutants/anchor-mutants.ts";
import { proveCases } from "./prove-cases.ts";
import { makeAnchorFixture } from "./reference/notary-anchor.ts";

proveCases(anchorCases, anchorMutants, makeAnchorFixture, "anchor");
