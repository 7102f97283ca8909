import { mutantsOf } from "./mutant.ts";

/** Flaws of the HMAC method. */
export const hmacMutants = mutantsOf([
  ["AUTH-01", "proves another type", "names another challenge", "gives no amr"],
  ["AUTH-02", "remembers who came last"],
  ["AUTH-03", "takes nothing"],
  ["AUTH-04", "peeks, then deletes", "takes nothing"],
  ["AUTH-05", "tells used from unknown", "never expires"],
  ["AUTH-06", "verifies nothing", "burns what it looks at"],
  ["AUTH-07", "takes any known key", "burns what it looks at"],
  ["AUTH-08", "signs no id"],
  ["AUTH-09", "never expires", "expires early", "counts in seconds"],
  ["AUTH-10", "keeps challenges in memory"],
  ["AUTH-11", "counts its challenges", "draws its own randomness", "uses four of sixteen bytes"],
  ["AUTH-12", "trusts what is asked"],
  ["AUTH-13", "trusts what is answered", "burns what it looks at"],
  ["AUTH-14", "shows the proof", "shows camelCase", "shows what JSON has not"],
  ["AUTH-15", "logs the proof", "tells the proof"],
  ["AUTH-16", "never ends an aborted call"],
  ["AUTH-19", "is out of band without a page"],
]);

/** Flaws of the letter method: far side, pages and messages. */
export const letterMutants = mutantsOf([
  ["AUTH-17", "does not pass the signal"],
  ["AUTH-18", "lets faults through"],
  ["AUTH-19", "has no page"],
  ["AUTH-20", "spends the letter on GET", "counts visits on GET"],
  ["AUTH-21", "spends the letter on the confirm page", "confirms another challenge"],
  ["AUTH-22", "confirms from memory"],
  ["AUTH-23", "writes markup", "leads to plain http"],
  ["AUTH-24", "crashes on an unknown page", "answers every path", "confirms whatever comes"],
  ["AUTH-25", "sends without limit", "limits everybody together", "tells to wait in fractions"],
  ["AUTH-26", "tells somebody else", "tells half", "tells anybody"],
]);

/** Flaws of the letter method that any plug-in could have. */
export const pluginMutants = mutantsOf([
  [
    "PLG-01",
    "speaks another contract",
    "has a bad name",
    "declares nothing",
    "proves no type",
    "is not made by definePlugin",
  ],
  ["PLG-02", "takes unknown keys", "takes unknown nested keys"],
  ["PLG-03", "crashes on what is no table", "takes what is no table"],
  ["PLG-04", "is never ready"],
  ["PLG-05", "says ready unasked", "throws when not ready"],
  ["PLG-06", "does not pass the signal", "says ready unasked"],
  ["PLG-07", "cannot be closed twice"],
  [
    "PLG-08",
    "leaves a timer",
    "leaves a socket open",
    "leaves a thread running",
    "leaves a file open",
    "uses the store after close",
  ],
  ["PLG-09", "stops with its neighbour"],
  ["PLG-10", "logs its secret", "tells its secret"],
]);
