import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { html, Markup } from "../../src/html/html.ts";
import { hostile } from "../hostile.ts";

describe("html", () => {
  test("strings become text, in content and in attributes; markup, numbers and lists go in", () => {
    const inner = html`<b>${"a & b"}</b>`;
    expect(html`<p title="${'"quoted" <x>'}">${inner}${[1, " ", undefined, false, "<i>"]}</p>`.text).toBe(
      '<p title="&quot;quoted&quot; &lt;x&gt;"><b>a &amp; b</b>1 &lt;i&gt;</p>',
    );
  });

  test("no string can begin or end an element, an attribute or a reference", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { text: rendered } = html`<p title="${text}">${text}</p>`;
        const [, attribute = "", content = ""] = /^<p title="([^"]*)">([^<>]*)<\/p>$/u.exec(rendered) ?? [];
        expect(rendered).toBe(`<p title="${attribute}">${content}</p>`);
        expect(content).not.toMatch(/&(?!(?:amp|lt|gt|quot|#\d+);)/);
      }),
    );
  });

  test("only what is Markup passes as it stands", () => {
    expect(html`${new Markup("<hr>")}`.text).toBe("<hr>");
    expect(html`${"<hr>"}`.text).toBe("&lt;hr&gt;");
  });
});
