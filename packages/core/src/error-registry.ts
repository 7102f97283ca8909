/** Who has to act: the one who calls, the one who operates, the author of a plug-in, a far service, or we. */
export type Fault = "caller" | "operator" | "plugin" | "remote" | "broker";

/** `now`: the same call may succeed at once; `later`: after `retry_after` or a while; `never`: change something first. */
export type Retry = "now" | "later" | "never";

/** One row of the registry: everything the HTTP mapping, the docs and `agentkeys errors decode` say of a code. */
export interface ErrorRow<Facts extends object> {
  readonly fault: Fault;
  readonly retry: Retry;
  /** HTTP status of the problem document. */
  readonly status: number;
  /** True when message and facts may be shown to any caller; else the caller sees only code, meaning and next step. */
  readonly public: boolean;
  /** What happened, in one line. */
  readonly meaning: string;
  /** What to do next, in one line, for a person or an agent. */
  readonly next: string;
  /** The OAuth error name (RFC 6749, 8628, 9449, 9470) where the code has one. */
  readonly oauth?: string;
  /** Type only: what `facts` holds. */
  readonly facts?: Facts;
}

/** The facts of a code that carries none. */
export type NoFacts = Readonly<Record<string, never>>;

function row<Facts extends object = NoFacts>(
  fault: Fault,
  retry: Retry,
  status: number,
  visibility: "public" | "private",
  meaning: string,
  next: string,
  oauth?: string,
): ErrorRow<Facts> {
  return { fault, retry, status, public: visibility === "public", meaning, next, ...(oauth === undefined ? {} : { oauth }) };
}

/**
 * Every error code of AgentKeys, by family: CONFIG PLUGIN REQUEST AUTH SESSION GRANT WALLET AUDIT ISSUER STORAGE INTERNAL.
 * Append-only. The family is the second word of the code.
 */
export const errorRegistry = {
  ERR_CONFIG_INVALID: row<{ issues: readonly string[] }>("operator", "never", 500, "private", "The configuration has mistakes.", "Correct each listed path in the TOML file, then start again."),
  ERR_CONFIG_FILE: row<{ path: string; reason: string }>("operator", "never", 500, "private", "The configuration, or a file or folder that a command names, cannot be used.", "Look at the path named: its permissions, what it holds, and the syntax where a position is named."),
  ERR_CONFIG_SECRET: row<{ reference: string; reason: string }>("operator", "never", 500, "private", "A secret could not be opened.", "Give a readable file of mode 0600 or a set environment variable."),
  ERR_CONFIG_KEY_FILE: row<{ path: string; reason: string }>("operator", "never", 500, "private", "A key file is missing, unreadable or open to others.", "Restore the file and set its mode to 0600."),
  ERR_CONFIG_NODE_VERSION: row<{ found: string; needed: string }>("operator", "never", 500, "public", "This Node.js is too old.", "Run with Node.js 22.14 or newer."),
  ERR_CONFIG_LISTEN: row<{ address: string; reason: string }>("operator", "later", 500, "private", "The listening address is not to be had.", "Stop the program that holds the port, or set another `listen`."),
  ERR_CONFIG_PROFILE: row<{ reason: string }>("caller", "never", 400, "public", "This command needs a sign-in or an account file that is not there.", "Sign in with `agentkeys login` (the first time `agentkeys init wallet`), pair the agent, or name another `--home`."),

  ERR_PLUGIN_NOT_INSTALLED: row<{ specifier: string; from: string }>("operator", "never", 500, "private", "A plug-in named in the configuration is not installed.", "Run `npm install --ignore-scripts` with the named package in the folder of the configuration file."),
  ERR_PLUGIN_NOT_LOADABLE: row<{ specifier: string; reason: string }>("operator", "never", 500, "private", "A plug-in is installed but cannot be loaded.", "Reinstall it; its author must export `default` and code that loads."),
  ERR_PLUGIN_INCOMPATIBLE: row<{ specifier: string; found: string; expected: string }>("operator", "never", 500, "private", "A plug-in is of another kind, capability or contract version.", "Install a version of the plug-in made for this broker."),
  ERR_PLUGIN_CONTRACT: row<{ plugin: string; broke: string }>("plugin", "never", 502, "private", "A plug-in gave an answer that its contract forbids.", "Report it to the plug-in's author; nothing was issued."),
  ERR_PLUGIN_TIMEOUT: row<{ plugin: string; method: string; milliseconds: number }>("plugin", "later", 504, "private", "A plug-in did not answer within its deadline.", "Try again; if it stays, look at /readyz."),
  ERR_PLUGIN_FAILED: row<{ plugin: string; method: string }>("plugin", "later", 502, "private", "A plug-in failed unexpectedly.", "Try again; if it stays, look at the broker's log."),

  ERR_REQUEST_MALFORMED: row<{ issues: readonly string[] }>("caller", "never", 400, "public", "The request is not of the documented form.", "Correct what is listed and send it again.", "invalid_request"),
  ERR_REQUEST_BODY_TOO_LARGE: row<{ limit: number }>("caller", "never", 413, "public", "The request body is too large.", "Send at most the named number of bytes.", "invalid_request"),
  ERR_REQUEST_MEDIA_TYPE: row<{ expected: string }>("caller", "never", 415, "public", "The body is of another media type.", "Send the named Content-Type.", "invalid_request"),
  ERR_REQUEST_NOT_FOUND: row("caller", "never", 404, "public", "There is nothing here for you.", "Check the address and the id."),
  ERR_REQUEST_METHOD: row<{ allowed: readonly string[] }>("caller", "never", 405, "public", "This address takes another method.", "Use one of the allowed methods."),
  ERR_REQUEST_HOST: row<{ host: string }>("caller", "never", 421, "public", "This broker does not serve the name in the Host header.", "Use the broker's public URL."),
  ERR_REQUEST_ORIGIN: row("caller", "never", 403, "public", "A browser sent this from another site.", "Use the broker's own pages."),
  ERR_REQUEST_IDEMPOTENCY_KEY: row("caller", "never", 400, "public", "The Idempotency-Key header is missing or malformed.", "Send a new random key of 8 to 128 visible ASCII characters for each new request, the same one for a retry."),
  ERR_REQUEST_IDEMPOTENCY_REUSED: row("caller", "never", 422, "public", "This Idempotency-Key was used with another request.", "Use a new key for a new request."),
  ERR_REQUEST_IN_PROGRESS: row("caller", "later", 409, "public", "The first request with this Idempotency-Key is still running.", "Wait a moment and retry with the same key."),
  ERR_REQUEST_RATE_LIMITED: row<{ retryAfter: number }>("caller", "later", 429, "public", "Too many requests.", "Wait the named number of seconds.", "slow_down"),
  ERR_REQUEST_TIMEOUT: row<{ milliseconds: number }>("remote", "later", 504, "public", "The request did not finish in time.", "Try again with the same Idempotency-Key."),
  ERR_REQUEST_UNREACHABLE: row<{ url: string; reason: string }>("remote", "later", 503, "public", "The broker could not be reached.", "Check that it runs and that the address is right."),
  ERR_REQUEST_SHUTTING_DOWN: row("operator", "later", 503, "public", "The broker is stopping.", "Try again in a moment."),
  ERR_REQUEST_ANSWER: row<{ url: string; reason: string }>("remote", "later", 502, "public", "The answer is not one that this broker's API gives.", "Check that the address is that of an AgentKeys broker, and that no proxy stands in between."),
  ERR_REQUEST_OVERLOADED: row("operator", "later", 503, "public", "The broker works on as many requests as it takes at once.", "Try again in a moment, with the same Idempotency-Key."),
  ERR_REQUEST_URL_TOO_LONG: row<{ limit: number }>("caller", "never", 414, "public", "The address of the request is too long.", "Send what is long in the body.", "invalid_request"),
  ERR_REQUEST_HEADERS: row<{ limit: number }>("caller", "never", 431, "public", "The header of the request is too large, or has too many fields.", "Send fewer and shorter header fields.", "invalid_request"),

  ERR_AUTH_METHOD: row<{ method: string; known: readonly string[] }>("caller", "never", 404, "public", "There is no such sign-in method here.", "Use one of the known methods."),
  ERR_AUTH_CHALLENGE: row("caller", "never", 401, "public", "The challenge is unknown, used or expired.", "Start the sign-in again."),
  ERR_AUTH_PROOF: row<{ reason: string }>("caller", "never", 401, "public", "The proof does not hold.", "Sign exactly what was asked, with the key of the identity named at the start."),
  ERR_AUTH_CLAIM_CODE: row("caller", "never", 403, "public", "The claim code is wrong or no longer of use.", "Read the code the broker printed at its last start (also in <data_dir>/claim-code)."),
  ERR_AUTH_SIGN_UP: row("caller", "never", 403, "public", "This identity has no account, and sign-up is closed.", "Use an identity that has an account, or give the claim code of a broker that nobody has claimed."),
  ERR_AUTH_USER_CODE: row<{ triesLeft: number }>("caller", "now", 403, "public", "The code typed in is wrong.", "Type the code shown by the program that started the sign-in."),
  ERR_AUTH_PENDING: row("caller", "later", 202, "public", "The sign-in is not completed yet.", "Poll again after the interval."),
  ERR_AUTH_UNAVAILABLE: row<{ method: string; reason: string }>("remote", "later", 503, "public", "The sign-in method is not usable now.", "Try again later or use another method."),
  ERR_AUTH_SUSPENDED: row("caller", "never", 403, "public", "The account is suspended.", "Ask the operator of this broker."),
  ERR_AUTH_INVITE: row("caller", "never", 403, "public", "The invite or recovery code is wrong, used or expired.", "Ask the operator for a new one."),
  ERR_AUTH_IDENTITY: row<{ reason: string }>("caller", "never", 409, "public", "This identity cannot be linked or removed.", "Use another identity; the last one of an account stays."),
  ERR_AUTH_BROKER: row<{ expected: string; found: string }>("remote", "never", 400, "public", "The message to sign names another broker or address than the one dialled.", "Do not sign it. Check the broker's address and its `public_url`."),
  ERR_AUTH_LAST_OPERATOR: row("caller", "never", 409, "public", "This broker would be left without an operator.", "Invite another operator first (an invite of role `operator`)."),

  ERR_SESSION_TOKEN: row("caller", "never", 401, "public", "The access token is missing, malformed, expired or revoked.", "Refresh it, or sign in again.", "invalid_token"),
  ERR_SESSION_DPOP: row<{ reason: string }>("caller", "never", 401, "public", "The DPoP proof does not hold.", "Make a new proof for this method, URL and access token (RFC 9449).", "invalid_dpop_proof"),
  ERR_SESSION_NONCE: row("caller", "now", 401, "public", "The DPoP proof needs the nonce of this answer.", "Repeat the request with the nonce of the DPoP-Nonce header.", "use_dpop_nonce"),
  ERR_SESSION_NOT_FRESH: row<{ maxAge: number }>("caller", "never", 401, "public", "This needs a recent sign-in.", "Sign in again (`agentkeys login`), then repeat the call.", "insufficient_user_authentication"),
  ERR_SESSION_CALLER: row<{ needed: string }>("caller", "never", 403, "public", "This is for another kind of caller.", "Use the session of the kind named.", "insufficient_scope"),
  ERR_SESSION_CLIENT: row("caller", "never", 401, "public", "The client_id is not known here.", "Use a client_id of the broker's list (default `agentkeys`).", "invalid_client"),
  ERR_SESSION_GRANT: row("caller", "never", 400, "public", "The code or refresh token is unknown, used, expired or bound to another key.", "Start again: pair the agent anew, or sign in again.", "invalid_grant"),
  ERR_SESSION_GRANT_TYPE: row<{ known: readonly string[] }>("caller", "never", 400, "public", "This grant_type is not served.", "Use one of the known grant types.", "unsupported_grant_type"),
  ERR_SESSION_PENDING: row("caller", "later", 400, "public", "The person has not decided yet.", "Poll again after the interval.", "authorization_pending"),
  ERR_SESSION_SLOW_DOWN: row("caller", "later", 400, "public", "Polled too soon.", "Wait five seconds longer between polls.", "slow_down"),
  ERR_SESSION_DENIED: row("caller", "never", 400, "public", "The person denied the request.", "Ask the person.", "access_denied"),
  ERR_SESSION_EXPIRED: row("caller", "never", 400, "public", "The device code has expired.", "Start the pairing again.", "expired_token"),

  ERR_GRANT_NOT_FOUND: row<{ proposal?: string }>("caller", "never", 404, "public", "There is no live grant, agent, pairing or proposal of that id for you.", "Look at your list; what is revoked or expired must be made anew."),
  ERR_GRANT_SCOPE: row<{ reason: string }>("caller", "never", 400, "public", "The scope is not of a form that can be granted.", "Correct the text named: no wildcard but one `*` after a final `/` or `:`, no dot segments, no percent-escapes."),
  ERR_GRANT_EXCEEDS_RIGHTS: row<{ issuer: string }>("caller", "never", 403, "public", "That is wider than the rights of the account.", "Ask for less (`agentkeys rights` shows an operator what is allowed), or ask the operator for a [[rights]] row that contains it."),
  ERR_GRANT_DENIED: row<{ layer: "grant" | "rights" | "ceiling" | "constraint" | "agent" | "proposal"; allowed: readonly string[]; proposal?: string }>("caller", "never", 403, "public", "The request is refused by the layer named.", "Ask within what is allowed; where a proposal is named, the person can accept it."),
  ERR_GRANT_USED_UP: row<{ limit: "uses" | "units" | "seconds"; left: number; proposal?: string }>("caller", "never", 403, "public", "The grant has too little left of the limit named.", "Ask for no more than is left; where a proposal is named, the person can accept it."),
  ERR_GRANT_TTL: row<{ maximum: number; proposal?: string }>("caller", "never", 403, "public", "That lifetime is not allowed.", "Ask for at most the named number of seconds; where a proposal is named, the person can accept it."),
  ERR_GRANT_AUDIENCE: row<{ audience: string }>("caller", "never", 403, "public", "That audience belongs to another issuer or to the broker.", "Use the issuer it belongs to."),
  ERR_GRANT_USER_CODE: row("caller", "now", 404, "public", "There is no pairing waiting under this code.", "Type the code the agent shows; after five wrong codes wait ten minutes."),

  ERR_WALLET_CHALLENGE: row("caller", "never", 401, "public", "The wallet challenge is unknown, used or expired.", "Start the binding again."),
  ERR_WALLET_PROOF: row<{ reason: string }>("caller", "never", 401, "public", "The signature does not prove the wallet.", "Sign exactly the challenge text with the key of the address named."),
  ERR_WALLET_BOUND: row<{ address: string }>("caller", "never", 409, "public", "This address is bound to another account.", "Use another wallet."),
  ERR_WALLET_UNSUPPORTED: row<{ operation: string }>("caller", "never", 501, "public", "This wallet cannot do that.", "A key kept by the person signs where it is kept."),
  ERR_WALLET_PASSPHRASE: row("caller", "now", 400, "public", "The passphrase does not open the wallet.", "Try again, or restore the wallet from its words."),
  ERR_WALLET_EXISTS: row<{ name: string }>("caller", "never", 409, "public", "A wallet of that name is kept here already.", "Go on with it by `agentkeys login --wallet NAME`, or choose another name."),
  ERR_WALLET_NOT_FOUND: row<{ name: string }>("caller", "never", 404, "public", "No wallet of that name is kept here.", "Make one with `agentkeys init wallet`."),

  ERR_AUDIT_UNAVAILABLE: row<{ reason: string }>("operator", "later", 503, "public", "The audit log cannot record now, so nothing is released.", "Try again later; the operator sees why at /readyz."),
  ERR_AUDIT_STORAGE: row<{ reason: string }>("operator", "never", 500, "private", "The audit log's storage failed.", "The process ends. Check the disk, then start again."),
  ERR_AUDIT_CONFLICT: row<{ record: string }>("broker", "never", 500, "private", "A record of that id is there with other contents.", "Report it: ids are never reused."),
  ERR_AUDIT_RECORD: row<{ reason: string }>("caller", "never", 400, "public", "That is not a canonical audit record.", "Take the bytes from the log unchanged."),
  ERR_AUDIT_PROOF: row<{ reason: string }>("caller", "never", 400, "public", "That is not a well-formed head, note or proof.", "Take the text from the log unchanged."),
  ERR_AUDIT_RECEIPT: row<{ reason: string }>("remote", "never", 502, "public", "The receipt does not prove this credential.", "Do not use the credential. Keep the answer and tell the account's owner."),
  ERR_AUDIT_LOG_KEY: row<{ path: string; reason: string }>("operator", "never", 500, "private", "The log and its signing key do not belong together.", "Restore both from the same backup; never make one anew beside the other."),
  ERR_AUDIT_FORK: row<{ reason: string }>("operator", "never", 503, "private", "The log and what was signed before disagree.", "Stop. Keep both files and find out which is the true one."),
  ERR_AUDIT_IN_USE: row<{ path: string }>("operator", "never", 500, "private", "Another process has this audit log open.", "Stop the other broker, or give this one a `data_dir` of its own."),
  ERR_AUDIT_TRUST: row<{ line: number; reason: string }>("operator", "never", 500, "public", "The trust policy is not one to verify by.", "Correct the line named: a policy is C2SP tlog-policy text with Ed25519 keys."),
  ERR_AUDIT_UNWITNESSED: row<{ record: string }>("remote", "later", 503, "public", "No trusted witness has cosigned a head over this record yet.", "Ask again later; /v1/audit/lag says how far each anchor has come."),

  ERR_AUDIT_HIGH_WATER: row<{ path: string; reason: string }>("operator", "never", 500, "private", "The high-water file is missing, damaged or of another log.", "Put the file back that belongs to this data_dir. When it is lost, run `agentkeys-broker recover --new-epoch`."),
  ERR_AUDIT_SEALED: row<{ successor: string }>("operator", "never", 500, "private", "This log was sealed: a successor has adopted it.", "Serve from the successor. To go on with this data as a log of its own, run `agentkeys-broker recover --new-epoch`."),
  ERR_AUDIT_REWOUND: row<{ witness: string; here: number; there: number }>("operator", "never", 500, "private", "The audit log is shorter than one that was seen before.", "An older copy stands here. Put the newest one back; when it is lost, run `agentkeys-broker recover --new-epoch`."),
  ERR_AUDIT_AUDITOR: row("caller", "never", 401, "public", "This is for auditors, and the token is none of theirs.", "Send `Authorization: Bearer` with the token of an `[[audit.auditors]]` row."),

  ERR_ISSUER_TTL: row<{ minimum: number }>("caller", "never", 400, "public", "The issuer gives no credential as short-lived as that.", "Ask for at least the named number of seconds."),
  ERR_ISSUER_UNKNOWN: row<{ issuer: string; known: readonly string[] }>("caller", "never", 404, "public", "There is no such issuer here.", "Use one of the known issuers."),
  ERR_ISSUER_FAILED: row<{ issuer: string }>("remote", "later", 502, "public", "The issuer could not make the credential; the attempt is recorded.", "Try again with a new Idempotency-Key."),
  ERR_ISSUER_OUTCOME_UNKNOWN: row("remote", "never", 409, "public", "Whether the first request issued a credential is not known.", "Ask again with a new Idempotency-Key."),

  ERR_STORAGE_NEWER: row<{ path: string; writer: string }>("operator", "never", 500, "private", "A file was written by a newer version of this program.", "Install the version named or a newer one; docs/operate/upgrade.md has the way back to this one."),

  ERR_INTERNAL: row("broker", "later", 500, "private", "The broker failed unexpectedly; nothing was released.", "Try again; tell the operator the request id if it stays."),
};
