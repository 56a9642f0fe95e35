import { type Chunk, chunksOf } from "./chunks.ts";
import { extractHtml } from "./html.ts";
import { extractMarkdown } from "./markdown.ts";
import { extractPdf } from "./pdf.ts";
import { type ExtractedDocument, SectionBuilder } from "./section.ts";

export const documentFormats = ["text", "markdown", "html", "pdf"] as const;
export type DocumentFormat = (typeof documentFormats)[number];

export interface PrepareInput {
  readonly format: DocumentFormat;
  readonly data: Uint8Array;
}

export interface PreparedDocument {
  readonly title: string | undefined;
  readonly characters: number;
  readonly chunks: readonly Chunk[];
}

/** More text is split by whoever uploads it. */
const charactersAtMost = 10_000_000;
const pdfLimits = { pages: 2000, characters: charactersAtMost, allocation: 64 * 2 ** 20 };

/**
 * From bytes to chunks. Runs in a thread with limits: what comes in was made by anybody.
 *
 * @throws Error with what is wrong with the document, for its owner
 */
export default async function prepare({ format, data }: PrepareInput): Promise<PreparedDocument> {
  const { title, sections } = format === "pdf" ? await extractPdf(data, pdfLimits) : extractText(format, decode(data));
  const chunks = chunksOf(sections).map((chunk) => ({
    ...chunk,
    text: withoutControls(chunk.text),
    heading: chunk.heading === undefined ? undefined : withoutControls(chunk.heading),
  }));
  return {
    title: title === undefined ? undefined : withoutControls(title),
    characters: sections.reduce((sum, { text }) => sum + text.length, 0),
    chunks,
  };
}

function extractText(format: Exclude<DocumentFormat, "pdf">, text: string): ExtractedDocument {
  if (format === "markdown") return extractMarkdown(text, charactersAtMost);
  if (format === "html") return extractHtml(text, charactersAtMost);
  const builder = new SectionBuilder(charactersAtMost);
  for (const paragraph of text.split(/\r?\n[ \t]*\r?\n/)) builder.paragraph(paragraph);
  return { title: undefined, sections: builder.finish() };
}

/** PostgreSQL stores no zero characters; other control characters mean nothing in a text. */
const withoutControls = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (one) => (one === "\n" || one === "\t" ? one : " ")).trim();

function decode(data: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch (cause) {
    throw new Error("it is not text in UTF-8", { cause });
  }
}
