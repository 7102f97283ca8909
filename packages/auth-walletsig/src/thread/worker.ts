import { parentPort } from "node:worker_threads";
import { verifyMessage } from "ethers/hash";

/** What the thread is asked: who signed the text as a personal message (EIP-191). */
export interface Question {
  readonly ticket: number;
  readonly text: string;
  readonly signature: string;
}

/** What it answers: the lower-case address, or null where there is none. */
export interface Answer {
  readonly ticket: number;
  readonly signer: string | null;
}

parentPort?.on("message", ({ ticket, text, signature }: Question) => {
  parentPort?.postMessage({ ticket, signer: recover(text, signature) } satisfies Answer, []);
});

function recover(text: string, signature: string): string | null {
  try {
    return verifyMessage(text, signature).toLowerCase();
  } catch {
    return null;
  }
}
