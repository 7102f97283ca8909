// Checked by tsc: what can be skipped would compile here, and then the expectation of an error is itself an error.
import type { AuthenticateContext, Authenticated, PresentedRequest } from "../src/steps/authenticate.ts";
import { authenticate } from "../src/steps/authenticate.ts";
import { authorize, type Authorized, type AuthorizeContext, type CredentialAsk } from "../src/steps/authorize.ts";
import { issue, type IssueContext } from "../src/steps/issue.ts";
import { record, type RecordContext, type Recorded, type RecordPlan } from "../src/steps/record.ts";

declare const context: AuthenticateContext & AuthorizeContext & RecordContext & IssueContext;
declare const request: PresentedRequest;
declare const ask: CredentialAsk;
declare const plan: RecordPlan;

const authenticated: Authenticated = authenticate(context, request);
const authorized: Authorized = await authorize(context, authenticated, ask);
const recorded: Recorded = await record(context, authorized, plan, false, "req");
await issue(context, recorded, "req");

// @ts-expect-error what is authorised but not recorded cannot be issued
await issue(context, authorized, "req");
// @ts-expect-error a hand-made record does not do either
await issue(context, { authorized, plan, receipt: "{}" }, "req");
// @ts-expect-error who is not authenticated is not authorised
await authorize(context, { kind: "agent", account: "", agent: "", session: "", thumbprint: "", authTime: 0 }, ask);
// @ts-expect-error a forgotten await records nothing
await record(context, authorize(context, authenticated, ask), plan, false, "req");
