import { mutantsOf } from "./mutant.ts";

/** Flaws of the wallet provisioner. */
export const walletMutants = mutantsOf([
  ["WAL-01", "forgets what it bound", "binds another address"],
  ["WAL-02", "takes nothing"],
  ["WAL-03", "peeks, then deletes", "takes nothing"],
  ["WAL-04", "tells used from unknown", "never expires"],
  ["WAL-05", "verifies nothing", "burns what it looks at"],
  ["WAL-06", "takes any known wallet", "burns what it looks at"],
  ["WAL-07", "serves every account"],
  ["WAL-08", "signs no id"],
  ["WAL-09", "binds anew each time"],
  ["WAL-10", "moves what is bound", "tells whose it is"],
  ["WAL-11", "lets the second in"],
  ["WAL-12", "shows everybody's", "looks up by the start of an account", "has one wallet each"],
  ["WAL-13", "keeps bindings in memory"],
  ["WAL-14", "signs for anybody", "fails to sign with another code", "declares sign and has none"],
  ["WAL-15", "trusts what is asked"],
  ["WAL-16", "trusts what is answered"],
  ["WAL-17", "counts its challenges"],
  ["WAL-18", "never expires"],
  ["WAL-19", "logs the signature", "tells the signature", "shows a reserved name", "shows what JSON has not"],
  ["WAL-20", "never ends an aborted call"],
]);
