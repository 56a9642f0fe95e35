import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { explanations, html, Markup, pageIcon, pageStyle } from "@mettle/report";
import { importMap, livePageModule } from "../server/modules.ts";
import type { LiveModel } from "./live-model.ts";
import { liveMarkup, liveStatus, liveTitle, usualLook, windows } from "./live-view.ts";

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

let ownStyle: string | undefined;
function styleOf(): string {
  ownStyle ??= readFileSync(new URL("../../assets/live.css", import.meta.url), "utf8");
  return pageStyle() + ownStyle;
}

/** Scripts of our own only, no style but this one, and nothing from elsewhere. */
export const livePolicy = (): string =>
  `default-src 'none'; script-src 'self' ${hash(importMap)}; style-src ${hash(styleOf())}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The page as it stands now: whole without scripts, which only keep it up to date. */
export function liveDocument(model: LiveModel): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer"><title>${liveTitle(model)}</title><link rel="icon" href="${pageIcon(liveStatus(model))}"><style>${new Markup(styleOf())}</style><script type="importmap">${new Markup(importMap)}</script><script type="module" src="${livePageModule}"></script><noscript><meta http-equiv="refresh" content="5"></noscript></head>
<body class="${liveStatus(model)}"><a class="skip" href="#content">Skip to the content</a>
<nav aria-label="View"><span class="brand">Mettle</span><span class="tools" hidden><span role="group" aria-label="Stretch of time">${windows.map(([label, ms]) => html`<button type="button" data-window="${ms ?? "all"}" aria-pressed="${ms === usualLook.windowMs ? "true" : "false"}">${label}</button>`)}</span><button type="button" id="pause" aria-pressed="false">Pause view</button><button type="button" id="theme">Dark or light</button></span></nav>
<main id="content" tabindex="-1">${liveMarkup(model, { ...usualLook, connection: "still" })}</main>
${explanations()}
<div id="status" role="status" aria-live="polite"></div>
</body></html>
`.text;
}
