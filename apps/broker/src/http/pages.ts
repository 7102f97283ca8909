import { html } from "hono/html";
import { instant } from "../json/instant.ts";
import type { Page } from "@agentkeys/core";
import type { ShownPage } from "../flows/sign-in-page.ts";

type Markup = ReturnType<typeof html>;

/** Scripts and styles come from the broker alone, nothing frames it, forms post only to it. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** A page of the broker around a title and its contents. Everything put in is escaped by the tag. */
export function renderDocument(title: string, contents: Markup): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · AgentKeys</title>
        <link rel="stylesheet" href="/assets/page.css" />
        <script src="/assets/page.js" defer></script>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${contents}
        </main>
      </body>
    </html>`;
}

/** The document of a plug-in's page. `action` is where its forms post, `fields` what the request carried. */
export function renderPage(
  shown: ShownPage,
  base: string,
  action: string,
  fields: Readonly<Record<string, string>>,
): Markup {
  const { page } = shown;
  switch (page.kind) {
    case "message":
      return renderDocument(page.title, html`<p role="${page.outcome === "ok" ? "status" : "alert"}">${page.text}</p>`);
    case "form":
      return renderDocument(
        page.title,
        html`<p>${page.text}</p>
          ${formOf(page, `${base}${page.action}`)}`,
      );
    case "confirm":
      return renderDocument(
        page.title,
        html`<p>${page.text}</p>
          ${askedBy(shown)}${codeForm(shown, action, fields)}`,
      );
    case "redirect":
      return renderDocument("Continue", html`<p><a href="${page.url}">Continue</a></p>`);
  }
}

function formOf(page: Extract<Page, { kind: "form" }>, action: string): Markup {
  const inputs = page.fields.map((field) => {
    const fragment = field.fragment === undefined ? "" : html` data-fragment="${field.fragment}"`;
    if (field.type === "hidden")
      return html`<input type="hidden" name="${field.name}" value="${field.value ?? ""}" ${fragment} />`;
    return html`<label
      >${field.label ?? field.name} <input name="${field.name}" value="${field.value ?? ""}" required${fragment}
    /></label>`;
  });
  return html`<form method="post" action="${action}">${inputs}<button>${page.submit}</button></form>`;
}

/** True where what is proven becomes another identity of an account, and signs nobody in. */
function isLink(asked: ShownPage["asked"]): boolean {
  return asked !== undefined && asked.linkSession !== null;
}

function askedBy({ asked }: ShownPage): Markup {
  if (asked === undefined) return html``;
  const client = asked.clientName === "" ? "a program that gave no name" : `“${asked.clientName}” (it calls itself so)`;
  const wish = isLink(asked)
    ? "to link it to the account of that program: whoever proves it then signs in to that account"
    : "to sign in";
  return html`<dl>
    <dt>Asked by</dt>
    <dd>${client}</dd>
    <dt>It wants</dt>
    <dd>${wish}</dd>
    <dt>From address</dt>
    <dd>${asked.source}</dd>
    <dt>At</dt>
    <dd>${instant(asked.startedAt)}</dd>
  </dl>`;
}

function codeForm({ asked, wrongCode }: ShownPage, action: string, fields: Readonly<Record<string, string>>): Markup {
  const kept = Object.entries(fields)
    .filter(([name]) => name !== "user_code")
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`);
  const wrong =
    wrongCode === undefined ? "" : html`<p role="alert">That code is wrong. Tries left: ${wrongCode.triesLeft}.</p>`;
  return html`<form method="post" action="${action}">
    ${kept}${wrong}
    <label
      >Code shown by the program that asked
      <input
        name="user_code"
        autocomplete="off"
        autocapitalize="characters"
        spellcheck="false"
        maxlength="16"
        required
        autofocus
    /></label>
    <p>If you did not start this yourself, close this page: nobody gets in without the code.</p>
    <button>${isLink(asked) ? "Link" : "Sign in"}</button>
  </form>`;
}

/** Fills the fields that come from the URL fragment, then takes the fragment out of the address bar. */
export const pageScript = `"use strict";
const fragment = new URLSearchParams(location.hash.slice(1));
for (const field of document.querySelectorAll("[data-fragment]")) {
  const value = fragment.get(field.dataset.fragment);
  if (value !== null) field.value = value;
}
if (location.hash !== "") history.replaceState(null, "", location.pathname);
`;

/** The style of the broker's few pages: light and dark, one column, phone first. */
export const pageStyle = `:root { font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark; }
body { margin: 0; display: grid; min-height: 100vh; place-items: center; }
main { width: min(30rem, 100%); padding: 1.5rem; box-sizing: border-box; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
form { display: grid; gap: 1rem; margin-top: 1.5rem; }
label { display: grid; gap: 0.5rem; }
input, button { font: inherit; padding: 0.75rem; border-radius: 0.5rem; border: 1px solid GrayText; }
input[name="user_code"] { font-family: ui-monospace, monospace; font-size: 1.25rem; letter-spacing: 0.1em; text-transform: uppercase; }
button { background: #1d4ed8; color: #fff; border-color: transparent; cursor: pointer; }
button:focus-visible, input:focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 1rem 0; }
dt { color: light-dark(#525252, #a3a3a3); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; }
[role="alert"] { color: light-dark(#b91c1c, #f87171); }
`;
