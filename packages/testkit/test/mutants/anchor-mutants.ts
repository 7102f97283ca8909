import { mutantsOf } from "./mutant.ts";

/** Flaws of the anchor. */
export const anchorMutants = mutantsOf([
  [
    "ANC-01",
    "names another anchor",
    "hashes the whole note",
    "keeps what JSON has not",
    "cannot say that there is nothing",
  ],
  ["ANC-02", "fails on what is there", "says its own size"],
  ["ANC-03", "mixes up those who come at once"],
  ["ANC-04", "takes small steps only", "refreshes to another head"],
  ["ANC-05", "lowers the far side"],
  ["ANC-06", "checks nothing"],
  ["ANC-07", "cannot say that there is nothing"],
  ["ANC-08", "holds everything for true"],
  ["ANC-09", "refreshes to less", "refreshes to another head"],
  ["ANC-10", "verifies nothing", "never verifies", "looks at the evidence alone"],
  ["ANC-11", "verifies nothing", "passes over finality", "reads base64 as it comes"],
  ["ANC-12", "looks at the note alone"],
  ["ANC-13", "crashes on odd evidence", "trusts whom it knows"],
  [
    "ANC-14",
    "lets faults through",
    "refuses for a fault",
    "says zero when there is no answer",
    "throws when there is no answer",
  ],
  ["ANC-15", "does not pass the signal", "lets faults through"],
  ["ANC-16", "trusts a bare answer"],
  ["ANC-17", "never ends an aborted call", "does not pass the signal"],
  ["ANC-18", "proves nothing"],
  ["ANC-19", "logs its secret", "tells its secret"],
]);
