import { randomInt } from "node:crypto";
import { stat } from "node:fs/promises";
import { isMissing, readPrivate, writePrivate } from "../private-file.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { makeMnemonic, parseMnemonic } from "./mnemonic.ts";

/** Where the words of a wallet come from and go to. */
export interface WordsOptions {
  readonly words: 12 | 24;
  /** Take words instead of making them: from this file, or asked where it is true. */
  readonly restore?: boolean | undefined;
  readonly mnemonicFile?: string | undefined;
  /** Write new words here in place of showing them. */
  readonly mnemonicOut?: string | undefined;
  /** Ask nothing. */
  readonly yes?: boolean | undefined;
}

/** Throws a UsageError where new words would be neither shown to a person nor written down: they would be lost. */
export async function assertWordsWillBeKept(terminal: Terminal, options: WordsOptions): Promise<void> {
  const { restore, mnemonicFile, mnemonicOut, yes } = options;
  if (restore === true || mnemonicFile !== undefined) return;
  if (mnemonicOut === undefined && (yes === true || !terminal.isInteractive)) {
    throw new UsageError("new words cannot be shown here: give --mnemonic-out FILE to have them written (mode 0600)");
  }
  if (mnemonicOut !== undefined && (await isThere(mnemonicOut))) {
    throw new UsageError(`${mnemonicOut} is there already; words are not written over anything`);
  }
}

/** The words of the wallet: read, or made and kept as the options say. */
export async function takeWords(terminal: Terminal, options: WordsOptions): Promise<string> {
  const { restore, mnemonicFile, mnemonicOut } = options;
  if (mnemonicFile !== undefined) {
    const text = await readPrivate(mnemonicFile);
    if (text === undefined) throw new UsageError(`there is no file ${mnemonicFile}`);
    return parseMnemonic(text);
  }
  if (restore === true) {
    return parseMnemonic(await terminal.askSecret("The words, in order:", "give --mnemonic-file FILE"));
  }
  const mnemonic = makeMnemonic(options.words);
  if (mnemonicOut !== undefined) await writePrivate(mnemonicOut, `${mnemonic}\n`);
  else await showOnce(terminal, mnemonic.split(" "));
  return mnemonic;
}

/** Shows the words, takes them from the screen, and asks three of them back until they are right. */
async function showOnce(terminal: Terminal, words: readonly string[]): Promise<void> {
  const otherwise = "give --mnemonic-out FILE";
  const rows = Array.from({ length: words.length / 4 }, (_, row) =>
    words
      .slice(row * 4, row * 4 + 4)
      .map((word, column) => `${String(row * 4 + column + 1).padStart(2)}. ${word.padEnd(10)}`)
      .join(" "),
  );
  for (;;) {
    terminal.note("These words are the wallet. Write them down on paper, in order; they are shown only now.");
    for (const row of ["", ...rows, ""]) terminal.note(row);
    await terminal.ask("Press Enter when they are written down.", otherwise);
    terminal.erase(rows.length + 4);
    if (await askBack(terminal, words, otherwise)) return;
    terminal.note("That is another word. Once more:");
  }
}

async function askBack(terminal: Terminal, words: readonly string[], otherwise: string): Promise<boolean> {
  const places = new Set<number>();
  while (places.size < 3) places.add(randomInt(words.length));
  for (const place of [...places].toSorted((a, b) => a - b)) {
    if ((await terminal.ask(`Word ${place + 1}:`, otherwise)).toLowerCase() !== words[place]) return false;
  }
  return true;
}

/** True where there is a file, or a folder, of that path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
