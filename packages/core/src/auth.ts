import type { Call, Json, Lifecycle } from "./call.ts";
import type { Identity } from "./omni-account.ts";

/** What a person must answer. `public` is sent to the one who started, beside `challenge_id` and `expires_at`. */
export interface Challenge {
  /** Opaque, unguessable (128 bits), made by the plug-in. */
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** snake_case JSON members for the starter, e.g. `{message}`. Never a secret that proves the identity. */
  readonly public: Readonly<Record<string, Json>>;
}

/** An identity whose control was proven just now. The host decides what follows from it. */
export interface ProvenIdentity {
  /** The challenge that was answered. */
  readonly challengeId: string;
  /** Canonical; its type is one of the plug-in's declared `identityTypes`. */
  readonly identity: Identity;
  /** Authentication method references (RFC 8176) for the session's `amr`, e.g. `["swk"]`. */
  readonly amr: readonly string[];
}

/** What a browser asked of `/auth/{method}/{path}`. */
export interface PageRequest {
  readonly method: "GET" | "POST";
  /** The part of the path after `/auth/{method}/`. */
  readonly path: string;
  /** Query and form members; the first of repeated ones. A GET must change nothing. */
  readonly fields: Readonly<Record<string, string>>;
}

/** An input of a form page. `fragment` takes the value from the URL fragment member of that name, in the browser. */
export interface PageField {
  readonly name: string;
  readonly label?: string;
  readonly type: "hidden" | "text";
  readonly value?: string;
  readonly fragment?: string;
}

/** A page as a description; the host renders it, adds who asked, and keeps every session to itself. Never HTML. */
export type Page =
  | {
      readonly kind: "form";
      readonly title: string;
      readonly text: string;
      readonly fields: readonly PageField[];
      readonly submit: string;
      /** Where the form posts, relative to `/auth/{method}/`. */
      readonly action: string;
    }
  | {
      /**
       * Ready to be finished. The host shows who asked for `challengeId`, asks for the user code unless it is the browser that
       * started, and only then calls `finish(answer)`. Describing it consumes nothing.
       */
      readonly kind: "confirm";
      readonly title: string;
      readonly text: string;
      readonly challengeId: string;
      readonly answer: Json;
    }
  | { readonly kind: "redirect"; readonly url: string }
  | { readonly kind: "message"; readonly outcome: "ok" | "refused"; readonly title: string; readonly text: string };

/** Something the owner of an identity should hear of. Plain text without links that act. */
export interface Notice {
  readonly subject: string;
  readonly text: string;
}

/**
 * A way to prove who one is (seed name: `UserAuthMethod`). It proves; the host decides and makes sessions.
 *
 * Obligations, each a conformance case: a challenge proves at most one identity, once; unknown, used and expired look alike
 * (`ERR_AUTH_CHALLENGE`); a wrong proof (`ERR_AUTH_PROOF`) does not burn a stranger's challenge; a page is a description;
 * a GET changes nothing; bad input is `ERR_REQUEST_MALFORMED`, never a crash; nothing a stranger can trigger against an
 * owner but a rate-limited message.
 *
 * Capability `in_band`: `finish` is called with what the starter sends. Capability `out_of_band`: the proof arrives through
 * `page` in a browser, and the starter polls; the host then shows the starter a user code.
 */
export interface UserAuthMethod extends Lifecycle {
  /** `ask` is the request body of `/v1/auth/{method}/start`, not yet checked. */
  start(ask: Json, call: Call): Promise<Challenge>;
  /** `answer` is the body of `/finish`, or the `answer` of a confirm page, not yet checked. */
  finish(answer: Json, call: Call): Promise<ProvenIdentity>;
  /** Undefined: no such page. */
  page?(request: PageRequest, call: Call): Promise<Page | undefined>;
  /** Tells the owner of the identity. */
  notify?(identity: Identity, notice: Notice, call: Call): Promise<void>;
}
