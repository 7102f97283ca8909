import * as v from "valibot";
import { html } from "hono/html";
import { AgentKeysError, type PageRequest } from "@agentkeys/core";
import type { Broker } from "../../broker.ts";
import { showSignInPage } from "../../flows/sign-in-page.ts";
import type { BrokerApp } from "../app.ts";
import { readForm } from "../body.ts";
import { countStranger, type BrokerContext } from "../context.ts";
import { pagePolicy, pageScript, pageStyle, renderDocument, renderPage } from "../pages.ts";

const formBody = v.record(v.string(), v.pipe(v.string(), v.maxLength(4096)));

/** The few pages a browser sees of the broker itself: those of out-of-band methods, and how to approve an agent. */
export function pageRoutes(app: BrokerApp, broker: Broker): void {
  const asset = (type: string, text: string) => (c: BrokerContext) =>
    c.body(text, 200, { "content-type": type, "cache-control": "public, max-age=3600" });
  app.get("/assets/page.css", asset("text/css; charset=utf-8", pageStyle));
  app.get("/assets/page.js", asset("text/javascript; charset=utf-8", pageScript));
  app.get("/pair", (c) =>
    answer(
      c,
      renderDocument(
        "Approve an agent",
        html`<p>An agent shows you a code. To see who asks and decide, run this where you are signed in:</p>
          <p><code>agentkeys agents approve CODE</code></p>`,
      ),
    ),
  );
  app.get("/auth/:method/:page", async (c) => {
    countStranger(broker, c, "reads");
    return show(broker, c, { method: "GET", path: c.req.param("page"), fields: c.req.query() });
  });
  app.post("/auth/:method/:page", async (c) => {
    assertOwnOrigin(broker, c);
    countStranger(broker, c, "sign_ins", "page");
    return show(broker, c, { method: "POST", path: c.req.param("page"), fields: await readForm(c.req.raw, formBody) });
  });
}

async function show(broker: Broker, c: BrokerContext, request: PageRequest): Promise<Response> {
  const method = c.req.param("method") ?? "";
  const shown = await showSignInPage(broker, method, request, c.get("requestId"));
  if (shown.page.kind === "redirect") return c.redirect(shown.page.url, 303);
  const markup = renderPage(shown, `/auth/${method}/`, c.req.path, request.fields);
  return answer(c, markup);
}

async function answer(c: BrokerContext, markup: ReturnType<typeof renderDocument>): Promise<Response> {
  c.header("content-security-policy", pagePolicy);
  c.header("x-frame-options", "DENY");
  // Under no-referrer a browser sends `Origin: null` with a form, even to its own origin.
  c.header("referrer-policy", "same-origin");
  return c.html(await markup);
}

/** A form of another site must not speak for the person. */
function assertOwnOrigin(broker: Broker, c: BrokerContext): void {
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site");
  if (
    (origin !== undefined && origin !== broker.publicUrl) ||
    (site !== undefined && site !== "same-origin" && site !== "none")
  ) {
    throw new AgentKeysError("ERR_REQUEST_ORIGIN", "a browser sent this from another site", {});
  }
}
