import { mutantsOf } from "./mutant.ts";

/** Flaws of the log. */
export const logMutants = mutantsOf([
  ["LOG-01", "turns a batch around", "counts from one"],
  ["LOG-02", "gives places before others"],
  ["LOG-03", "appends what is there again"],
  ["LOG-04", "keeps the first of two"],
  ["LOG-05", "is poisoned by a bad event", "crashes on a bad event"],
  ["LOG-06", "keeps records in memory", "loses the last record", "comes back in another order"],
  ["LOG-07", "takes no lock"],
  [
    "LOG-08",
    "acknowledges after close",
    "never ends an aborted call",
    "never ends after close",
    "keeps records in memory",
  ],
  ["LOG-09", "signs with another key", "says another root than it signs"],
  ["LOG-10", "comes back in another order", "loses the last record", "proves nothing"],
  ["LOG-11", "proves anything"],
  ["LOG-12", "opens everything"],
  ["LOG-13", "opens what it likes"],
  ["LOG-14", "ignores how a receipt is asked for"],
  ["LOG-15", "gives some receipt for every record", "takes the newest head for any size"],
  ["LOG-16", "shows everybody's", "shows the oldest first"],
  ["LOG-17", "repeats the last of a page", "ignores the limit"],
  ["LOG-18", "finds at another place", "finds less than there was"],
  ["LOG-19", "salts with nothing"],
  ["LOG-20", "tags every record anew", "tags every log alike"],
  ["LOG-21", "logs the event"],
  ["LOG-22", "never ends an aborted call", "never ends after close"],
]);
