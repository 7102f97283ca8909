/** What an ask of STS came to, read from the error that the SDK threw. */
export interface StsFault {
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** STS's word, e.g. `AccessDenied`; undefined where there is none that can be read. */
  readonly word: string | undefined;
}

/** Reads an error of the SDK. Its message is left alone: it may repeat what was sent or answered. */
export function faultOf(error: unknown): StsFault {
  const { Code: code, $metadata: metadata } = error as {
    readonly Code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const isWord = typeof code === "string" && /^[A-Za-z]{1,64}$/u.test(code);
  return { status: metadata?.httpStatusCode, word: isWord ? code.replace(/Exception$/u, "") : undefined };
}

/** Codes of a connection that was never made. */
const unsent = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];

/** True where STS may have given a session all the same: it was asked, and its answer did not come or cannot be read. */
export function isOutcomeUnknown(error: unknown): boolean {
  const { status, word } = faultOf(error);
  if (status !== undefined) return status < 400 && word === undefined;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  return !unsent.includes(String(cause?.code ?? code));
}

const throttling = ["Throttling", "Throttled", "RequestThrottled", "TooManyRequests", "RequestLimitExceeded"];

/** True for what a later ask may not meet: throttling, 5xx, and keys of the broker that STS could not fetch just now. */
export function isPassing({ status = 0, word = "" }: StsFault): boolean {
  return status === 429 || status >= 500 || throttling.includes(word) || word === "IDPCommunicationError";
}

const refusals = ["InvalidIdentityToken", "IDPRejectedClaim", "ExpiredToken", "AccessDenied"];

/** True for the words by which an STS that is well refuses an identity token. */
export function isRefusalOfToken({ word = "" }: StsFault): boolean {
  return refusals.includes(word);
}

const meanings: Readonly<Record<string, string>> = {
  AccessDenied: "the role is not there, or its trust policy does not let the identity token in",
  ExpiredToken: "the identity token has expired by its clock",
  InvalidIdentityToken: "it knows no such identity provider or audience, or cannot verify the identity token",
  IDPRejectedClaim: "it does not take the identity token's claims",
  IDPCommunicationError: "it could not fetch the broker's keys",
  MalformedPolicyDocument: "it does not take the session policy",
  PackedPolicyTooLarge: "session policy and tags are too large once packed; ask for less at once",
  RegionDisabled: "it is not activated in this region",
  ValidationError: "it does not take the request; does the role allow sessions as long?",
};

/** What a fault means, in words that hold nothing of the far side's but its own word. */
export function describeFault({ status, word }: StsFault): string {
  if (status === undefined) return "no answer";
  if (word === undefined) return `an answer of status ${status} that cannot be read`;
  const meaning = Object.hasOwn(meanings, word) ? meanings[word] : undefined;
  return meaning === undefined ? word : `${word}: ${meaning}`;
}
