import type { Notice, PluginHost } from "@agentkeys/core";
import type { Mail } from "./mail.ts";

/** The mail that carries a sign-in link. Its token stands in the fragment, which no browser sends to a server. */
export function linkMail(
  to: string,
  { publicUrl, name }: Pick<PluginHost, "publicUrl" | "name">,
  token: string,
  seconds: number,
): Mail {
  const link = `${publicUrl}/auth/${name}/link#token=${token}`;
  const minutes = Math.floor(seconds / 60);
  const site = new URL(publicUrl).host;
  const before = `Somebody, most likely you, asked to sign in at ${publicUrl} with this address.`;
  const after = [
    `The page shows who asked, and from where. If that is you, type there the code shown by the program where you started.`,
    `The link works once, within ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`,
    `If you did not ask, ignore this mail: nobody gets in without the page. Never type a code that somebody else gave you.`,
  ];
  const paragraphs = [
    escape(before),
    `<a href="${escape(link)}">Continue to sign in at ${escape(site)}</a>`,
    ...after.map(escape),
  ];
  return {
    to,
    subject: `Sign in at ${site}`,
    text: `${[before, link, ...after].join("\n\n")}\n`,
    html: `<!doctype html><html lang="en"><body>${paragraphs.map((part) => `<p>${part}</p>`).join("")}</body></html>`,
  };
}

/** The mail that tells the owner of an address of something: plain text, no link. */
export function noticeMail(to: string, publicUrl: string, notice: Notice): Mail {
  return {
    to,
    subject: notice.subject
      .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")
      .trim()
      .slice(0, 200),
    text: `${notice.text}\n\nSent by ${publicUrl} to the owner of this address.\n`,
  };
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
