import { type ExtractedDocument, SectionBuilder } from "./section.ts";

const heading = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const fence = /^ {0,3}(`{3,}|~{3,})/;
const rule = /^ {0,3}(?:-{3,}|\*{3,}|_{3,})[ \t]*$/;

/** Text and headings of Markdown: line by line, every expression linear in the length of its line. */
export function extractMarkdown(source: string, charactersAtMost: number): ExtractedDocument {
  const builder = new SectionBuilder(charactersAtMost);
  let paragraph: string[] = [];
  let fenced: string | undefined;
  const end = (): void => {
    builder.paragraph(paragraph.join("\n"));
    paragraph = [];
  };
  for (const line of withoutFrontMatter(source).split(/\r?\n/)) {
    const [, mark = ""] = fence.exec(line) ?? [];
    if (fenced !== undefined) {
      if (mark.startsWith(fenced)) fenced = undefined;
      else paragraph.push(line);
      continue;
    }
    const [, level = "", title = ""] = heading.exec(line) ?? [];
    if (mark !== "") fenced = mark;
    else if (level !== "") {
      end();
      builder.heading(level.length, plain(title.replace(/[ \t]#+[ \t]*$/, "")));
    } else if (line.trim() === "" || rule.test(line)) end();
    else paragraph.push(plain(line));
  }
  end();
  const sections = builder.finish();
  return { title: builder.firstHeading, sections };
}

function withoutFrontMatter(source: string): string {
  const end = source.startsWith("---\n") ? source.indexOf("\n---\n", 3) : -1;
  return end < 0 ? source : source.slice(end + 5);
}

/** A line without the signs that only say how it looks. */
const plain = (line: string): string =>
  line
    .replace(/^[ \t]*>[ \t]?/, "")
    .replaceAll(/!?\[([^[\]\n]{0,500})\]\([^()\n]{0,1000}\)/g, "$1")
    .replaceAll(/(\*\*|__|~~|`)/g, "")
    .replaceAll(/<[a-z/!][^<>\n]{0,500}>/gi, "");
