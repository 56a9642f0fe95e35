import { Parser } from "htmlparser2";
import { type ExtractedDocument, SectionBuilder } from "./section.ts";

const silent = new Set("script style template noscript svg math iframe object select textarea head nav".split(" "));
const blocks = new Set(
  `p div section article main header footer aside ul ol li dl dt dd table tr blockquote pre figure figcaption form fieldset
   h1 h2 h3 h4 h5 h6 hr address details summary`.split(/\s+/),
);
/** The parser's time for an element grows with those around it; people write some dozens. */
const depthAtMost = 2000;
const headingName = /^h([1-6])$/;

/**
 * What a reader of the page would read, in one pass without recursion.
 *
 * @throws Error when it is nested too deep or has too much text
 */
export function extractHtml(source: string, charactersAtMost: number): ExtractedDocument {
  const builder = new SectionBuilder(charactersAtMost);
  let text: string[] = [];
  let title = "";
  let inTitle = false;
  let silentDepth = 0;
  let depth = 0;
  let headingLevel: number | undefined;
  const end = (): void => {
    const whole = text
      .join("")
      .replaceAll(/[ \t\r\f\v\u00a0]+/g, " ")
      .replaceAll(/ ?\n ?/g, "\n");
    if (headingLevel === undefined) builder.paragraph(whole);
    else builder.heading(headingLevel, whole);
    text = [];
  };
  const parser = new Parser(
    {
      onopentag: (name) => {
        depth += 1;
        if (depth > depthAtMost) throw new Error(`its elements are nested more than ${depthAtMost} deep`);
        if (name === "title") inTitle = true;
        if (silent.has(name)) silentDepth += 1;
        if (!blocks.has(name)) {
          if (name === "br") text.push("\n");
          else if (name === "td" || name === "th") text.push(" ");
          return;
        }
        end();
        headingLevel = Number(headingName.exec(name)?.[1]) || undefined;
      },
      ontext: (piece) => {
        if (inTitle) title += piece;
        else if (silentDepth === 0) text.push(piece);
      },
      onclosetag: (name) => {
        depth -= 1;
        if (name === "title") inTitle = false;
        if (silent.has(name)) silentDepth -= 1;
        if (!blocks.has(name)) return;
        end();
        headingLevel = undefined;
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  parser.end(source);
  end();
  const sections = builder.finish();
  return { title: title.replaceAll(/\s+/g, " ").trim() || builder.firstHeading, sections };
}
