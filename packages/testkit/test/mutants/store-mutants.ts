import { mutantsOf } from "./mutant.ts";

/** Flaws of a host's store. */
export const storeMutants = mutantsOf([
  ["STO-01", "loses null", "deletes nothing"],
  ["STO-02", "reads keys in any case", "cuts long keys"],
  [
    "STO-03",
    "gets what is over",
    "takes what is over",
    "lists what is over",
    "claims what is over",
    "ends a second early",
  ],
  ["STO-04", "keeps the first lifetime"],
  ["STO-05", "looks, then claims", "overwrites with a claim"],
  ["STO-06", "looks, then takes"],
  ["STO-07", "lists as it comes", "reads a prefix as a pattern", "ignores the limit", "lists without end"],
  ["STO-08", "keeps what it was given"],
  ["STO-09", "forgets when it is closed"],
  ["STO-10", "shares one space"],
]);
