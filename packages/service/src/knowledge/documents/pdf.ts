import type { ExtractedDocument, Section } from "./section.ts";

export interface PdfLimits {
  readonly pages: number;
  readonly characters: number;
  /** Bytes of one piece of memory that the reader asks for: a compressed stream unpacks into one. */
  readonly allocation: number;
}

/**
 * The text of a PDF, page by page. Belongs into a thread with limits of time and memory: memory outside the JavaScript heap is
 * bounded here, by refusing single pieces above `allocation`, which is where a stream that unpacks to gigabytes shows.
 *
 * @throws Error with what is wrong with the document
 */
export async function extractPdf(data: Uint8Array, limits: PdfLimits): Promise<ExtractedDocument> {
  boundAllocations(limits.allocation);
  const { getDocumentProxy } = await import("unpdf");
  const document = await getDocumentProxy(new Uint8Array(data), {
    useSystemFonts: false,
    disableFontFace: true,
    stopAtErrors: true,
    maxImageSize: 1,
    verbosity: 0,
  });
  if (document.numPages > limits.pages)
    throw new Error(`it has ${document.numPages} pages; ${limits.pages} may be read`);
  const { info } = (await document.getMetadata()) as { readonly info: { readonly Title?: unknown } };
  const sections: Section[] = [];
  let characters = 0;
  for (let number = 1; number <= document.numPages; number++) {
    const page = await document.getPage(number);
    const text = linesOf((await page.getTextContent()).items as readonly TextItem[]);
    page.cleanup();
    characters += text.length;
    if (characters > limits.characters) throw new Error(`it has more than ${limits.characters} characters of text`);
    if (text !== "") sections.push({ heading: undefined, page: number, text });
  }
  const title = typeof info.Title === "string" ? info.Title.trim() : "";
  return { title: title || undefined, sections };
}

interface TextItem {
  readonly str?: string;
  readonly hasEOL?: boolean;
  readonly height?: number;
  readonly transform?: readonly number[];
}

/** Lines as they stand; a gap of more than one and a half lines ends a paragraph. */
function linesOf(items: readonly TextItem[]): string {
  let text = "";
  let lastY: number | undefined;
  for (const { str = "", hasEOL = false, height = 0, transform = [] } of items) {
    const [, , , , , y] = transform;
    if (lastY !== undefined && y !== undefined && height > 0 && lastY - y > 1.8 * height) text += "\n";
    text += str;
    if (hasEOL) text += "\n";
    if (str.trim() !== "" && y !== undefined) lastY = y;
  }
  return text
    .replaceAll(/([a-z])-\n([a-z])/g, "$1$2") // a word that was broken at the end of its line
    .replaceAll(/[ \t]+/g, " ")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

let allocationAtMost: number | undefined;

/** For the whole thread, once: byte arrays above the limit are refused as if memory had run out. */
function boundAllocations(most: number): void {
  if (allocationAtMost !== undefined) return;
  allocationAtMost = most;
  const bounded = {
    construct(target: new (...given: unknown[]) => object, given: unknown[], newTarget: new () => object): object {
      const [size] = given;
      if (typeof size === "number" && size > most) throw new RangeError(`it unpacks to more than ${most} bytes`);
      return Reflect.construct(target, given, newTarget);
    },
  };
  const global = globalThis as unknown as Record<string, new (...given: unknown[]) => object>;
  for (const name of ["ArrayBuffer", "Uint8Array", "Uint8ClampedArray", "Int8Array"]) {
    global[name] = new Proxy(global[name] as new () => object, bounded);
  }
  // The platform's own unpacking cannot be bounded; without it the reader uses one of its own, on byte arrays.
  Reflect.deleteProperty(globalThis, "DecompressionStream");
}
