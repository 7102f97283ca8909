import { mutantsOf } from "./mutant.ts";

/** Flaws of the local issuer. */
export const tokenMutants = mutantsOf([
  ["ISS-01", "reads more than was said"],
  ["ISS-02", "takes every scope"],
  ["ISS-03", "crashes on what is no scope"],
  ["ISS-04", "asks the host when reading"],
  ["ISS-05", "owns an audience twice", "asks for a token of no audience"],
  ["ISS-06", "makes ids of its own", "has no type", "answers what JSON has not"],
  ["ISS-07", "asks for another audience"],
  ["ISS-08", "says a later end", "issues for an hour, however short the order"],
  ["ISS-09", "makes ids of its own"],
  ["ISS-10", "mixes orders up"],
  ["ISS-11", "issues for every order"],
  ["ISS-12", "logs the credential", "keeps the credential", "tells the token"],
  ["ISS-14", "never ends an aborted call"],
]);

/** Flaws of the issuer that calls out. */
export const remoteMutants = mutantsOf([
  ["ISS-07", "asks for more than was said"],
  ["ISS-13", "revokes nothing", "fails to revoke what it does not know"],
  ["ISS-14", "does not pass the signal", "lets faults through", "issues without the far side"],
]);
