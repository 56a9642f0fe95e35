import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunksOf } from "../../../src/knowledge/documents/chunks.ts";
import { extractHtml } from "../../../src/knowledge/documents/html.ts";
import { extractMarkdown } from "../../../src/knowledge/documents/markdown.ts";
import type { Section } from "../../../src/knowledge/documents/section.ts";
import { computedMs } from "../../computed-ms.ts";

const most = 1_000_000;
const seen = ({ heading, text }: Section): readonly [string | undefined, string] => [heading, text];

describe("Markdown", () => {
  test("headings become the path of what stands below them", () => {
    const source = `---
title: x
---
# Guide

Before **all** else, read [the rules](https://example.test/a).

## Pool ##

- five connections
- \`ten\` seconds

\`\`\`sh
# no heading
run
\`\`\`

# Second

End.`;
    const { title, sections } = extractMarkdown(source, most);
    expect(title).toBe("Guide");
    expect(sections.map(seen)).toEqual([
      ["Guide", "Before all else, read the rules."],
      ["Guide › Pool", "- five connections\n- ten seconds\n\n# no heading\nrun"],
      ["Second", "End."],
    ]);
  });

  test.each(["[", "![](", "**", "<a", "#", "`", "> ", "~~~\n"])(
    "takes time in proportion to its length: %s…",
    (piece) => {
      const source = piece.repeat(Math.ceil(400_000 / piece.length));
      const from = computedMs();
      extractMarkdown(source, most);
      expect(computedMs() - from).toBeLessThan(5000); // quadratic ones take minutes
    },
  );
});

describe("HTML", () => {
  test("reads what a reader would see", () => {
    const source = `<html><head><title>The  page</title><style>p { color: red }</style></head><body>
      <nav>Home</nav><h1>Mill</h1><p>It grinds&nbsp;wheat &amp; rye.<br>Daily.<script>alert("<p>no</p>")</script></p>
      <h2>Hours</h2><table><tr><td>Mon</td><td>9–17</td></tr></table><p>Closed<p>Sundays</body></html>`;
    const { title, sections } = extractHtml(source, most);
    expect(title).toBe("The page");
    expect(sections.map(seen)).toEqual([
      ["Mill", "It grinds wheat & rye.\nDaily."],
      ["Mill › Hours", "Mon 9–17\n\nClosed\n\nSundays"],
    ]);
  });

  test("elements without end in one another are refused", () => {
    expect(() => extractHtml("<div>".repeat(100_000), most)).toThrow("nested more than 2000 deep");
  });

  test.each(["<a <a ", "&amp", "<!--", "</p", "<p>x</p>"])("broken pages take time in proportion: %s…", (piece) => {
    const from = computedMs();
    extractHtml(piece.repeat(Math.ceil(400_000 / piece.length)), most);
    expect(computedMs() - from).toBeLessThan(5000);
  });

  test("more text than may be is refused", () => {
    expect(() => extractHtml("<p>four</p>".repeat(10), 39)).toThrow("more than 39 characters");
  });
});

describe("chunks", () => {
  const section = (text: string): Section => ({ heading: "h", page: 2, text });
  const options = { full: 60, most: 100, overlap: 20 };

  test("end at ends of sentences, and begin with the end of the one before", () => {
    const text = "One is here now, friend. Two came by. Three are in the garden with us. Four left early. Five slept.";
    expect(chunksOf([section(text)], options).map((chunk) => chunk.text)).toEqual([
      "One is here now, friend. Two came by. Three are in the garden with us.",
      "Four left early. Five slept.",
    ]);
  });

  test("lose no word, are never too long, and keep heading and page", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-zäß😀]{1,40}[.!?]?\n?\n?$/u), { maxLength: 80 }), (words) => {
        const text = words.join(" ");
        const chunks = chunksOf([section(text)], options);
        const left = new Set(words.map((word) => word.trim()).filter((word) => word.length < 20));
        const there = chunks.map((chunk) => chunk.text).join(" ");
        for (const word of left) expect(there).toContain(word);
        for (const chunk of chunks) {
          expect(chunk.text.length).toBeLessThanOrEqual(options.most);
          expect(chunk.text.isWellFormed()).toBe(true);
          expect([chunk.heading, chunk.page]).toEqual(["h", 2]);
        }
      }),
    );
  });

  test("a sentence without end is cut, at spaces where there are any", () => {
    expect(chunksOf([section("x".repeat(250))], options).map((chunk) => chunk.text.length)).toEqual([80, 80, 80, 10]);
    const spaced = chunksOf([section("word ".repeat(60))], options);
    expect(spaced.every(({ text }) => /^(?:word )*word$/.test(text))).toBe(true);
  });
});
