import { hostStoreCases } from "../src/index.ts";
import { storeMutants } from "./mutants/store-mutants.ts";
import { proveCases } from "./prove-cases.ts";
import { makeFakeStoreFixture, makeMapStoreFixture } from "./reference/map-store.ts";

proveCases(hostStoreCases, storeMutants, makeMapStoreFixture, "plain store");
proveCases(hostStoreCases, [], makeFakeStoreFixture, "fake host's");
