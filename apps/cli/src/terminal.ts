import { createInterface } from "node:readline/promises";
import type { ReadStream } from "node:tty";
import { printable } from "./table.ts";
import { UsageError } from "./usage-error.ts";

/** Where a command reads and writes: results on stdout; questions, progress and errors on stderr. */
export interface Terminal {
  /** True where a person can be asked. */
  readonly isInteractive: boolean;
  /** A line of the result, as it is. */
  print(line: string): void;
  /** A line for the person, beside the result; what a terminal would act upon is taken out of it. */
  note(line: string): void;
  /** Takes the last lines off a person's screen. */
  erase(lines: number): void;
  /** Asks in clear. `otherwise` says what to give where nobody can be asked; then it throws a UsageError. */
  ask(question: string, otherwise: string): Promise<string>;
  /** Asks without echo. */
  askSecret(question: string, otherwise: string): Promise<string>;
  /** True for yes. Nothing typed is no. */
  confirm(question: string, otherwise: string): Promise<boolean>;
  /** Says `title` once the work has taken a second in which nobody was being asked anything. */
  progress<Result>(title: string, work: Promise<Result>): Promise<Result>;
}

/** The person pressed Ctrl-C at a question. */
export class Interrupted extends Error {}

/** The terminal of this process. */
export function openTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  const isInteractive = stdin.isTTY && stderr.isTTY;
  let isAsking = false;
  const asking = async <Answer>(question: string, otherwise: string, ask: () => Promise<Answer>): Promise<Answer> => {
    if (!isInteractive) throw new UsageError(`nobody can be asked "${question}" here: ${otherwise}`);
    isAsking = true;
    try {
      return await ask();
    } finally {
      isAsking = false;
    }
  };
  const terminal: Terminal = {
    isInteractive,
    print: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${printable(line)}\n`),
    erase: (lines) => void stderr.write(`\u001B[${lines}A\u001B[J`),
    ask: async (question, otherwise) => asking(question, otherwise, async () => readLine(printable(question))),
    askSecret: async (question, otherwise) =>
      asking(question, otherwise, async () => {
        try {
          return await readHidden(stdin, () => stderr.write(`${question} `));
        } finally {
          stderr.write("\n");
        }
      }),
    async confirm(question, otherwise) {
      const answer = await terminal.ask(`${question} [y/N]`, otherwise);
      return /^y(es)?$/iu.test(answer);
    },
    async progress(title, work) {
      const timer = setInterval(() => {
        if (isAsking) return;
        terminal.note(`${title} …`);
        clearInterval(timer);
      }, 1000);
      try {
        return await work;
      } finally {
        clearInterval(timer);
      }
    },
  };
  return terminal;
}

/** One line typed in clear; Ctrl-C throws. */
async function readLine(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const stopped = new AbortController();
  reader.once("SIGINT", () => stopped.abort());
  try {
    return (await reader.question(`${question} `, { signal: stopped.signal })).trim();
  } catch (error) {
    throw stopped.signal.aborted ? new Interrupted("interrupted") : error;
  } finally {
    reader.close();
  }
}

/** One line typed without echo, with backspace; Ctrl-C throws. Asks once nothing is echoed any more. */
async function readHidden(input: ReadStream, ask: () => void): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const onData = (chunk: string): void => {
    for (const character of chunk) {
      if (character === "\r" || character === "\n") resolve(text);
      else if (character === "\u0003" || character === "\u0004") reject(new Interrupted("interrupted"));
      else if (character === "\u007f" || character === "\b") text = Array.from(text).slice(0, -1).join("");
      else if (character >= " ") text += character;
    }
  };
  input.setRawMode(true);
  input.setEncoding("utf8");
  input.on("data", onData);
  input.resume();
  ask();
  try {
    return await promise;
  } finally {
    input.off("data", onData);
    input.pause();
    input.setRawMode(false);
  }
}
