import { constants, deflateRawSync } from "node:zlib";
import { PDFDocument, StandardFonts } from "pdf-lib";
import { afterAll, describe, expect, test } from "vitest";
import { ms, systemClock } from "@mettle/core";
import { IsolatedWorkers } from "../../../src/isolation/isolated-workers.ts";
import type { DocumentFormat, PreparedDocument, PrepareInput } from "../../../src/knowledge/documents/prepare.ts";

const workers = new IsolatedWorkers<PrepareInput, PreparedDocument>({
  module: new URL("../../../src/knowledge/documents/prepare.ts", import.meta.url),
  processes: 1,
  waiting: 10,
  heapMb: 512,
  clock: systemClock,
});
afterAll(() => workers.close());
const prepare = (format: DocumentFormat, data: Uint8Array | string): Promise<PreparedDocument> =>
  workers.run({ format, data: typeof data === "string" ? new TextEncoder().encode(data) : data }, ms(60_000));

async function pdfOf(pages: readonly string[], title?: string): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  if (title !== undefined) document.setTitle(title);
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (const text of pages) document.addPage().drawText(text, { x: 50, y: 700, size: 12, font, lineHeight: 14 });
  return document.save();
}

/** A PDF of one page whose content is `content` after unpacking. */
function pdfWithStream(packed: Buffer): Buffer {
  const head = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<<>>>>endobj
4 0 obj<</Length ${packed.length}/Filter/FlateDecode>>stream
`;
  return Buffer.concat([Buffer.from(head), packed, Buffer.from("\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF")]);
}

describe("PDF", () => {
  test("text by page, with the title", async () => {
    const data = await pdfOf(["The mill grinds wheat.\nBakers make bread.", "Second page."], "Mills");
    expect(await prepare("pdf", data)).toEqual({
      title: "Mills",
      characters: 53,
      chunks: [
        { text: "The mill grinds wheat.\nBakers make bread.", heading: undefined, page: 1 },
        { text: "Second page.", heading: undefined, page: 2 },
      ],
    });
  });

  test("what is none is refused in words", async () => {
    await expect(prepare("pdf", "hello")).rejects.toMatchObject({
      reason: "failed",
      message: expect.stringMatching(/pdf/i) as string,
    });
  });

  test("a stream that unpacks to far more than it is long is refused, not unpacked", async () => {
    const block = deflateRawSync(Buffer.alloc(2 ** 20, " "), { finishFlush: constants.Z_FULL_FLUSH });
    const end = Buffer.from([0x03, 0x00, 0, 0, 0, 0]);
    const packed = Buffer.concat([Buffer.from([0x78, 0x01]), ...Array.from({ length: 3000 }, () => block), end]);
    expect(packed.length).toBeLessThan(4 * 2 ** 20); // and 3 GB unpacked
    await expect(prepare("pdf", pdfWithStream(packed))).rejects.toMatchObject({
      reason: "failed",
      message: expect.stringMatching(/unpacks to more/) as string,
    });
  });

  test("the thread reads the next one after that", async () => {
    expect((await prepare("pdf", await pdfOf(["Still here."]))).chunks).toHaveLength(1);
  });
});

test("text that is not UTF-8 is refused", async () => {
  await expect(prepare("text", new Uint8Array([0x61, 0xff]))).rejects.toMatchObject({
    message: "it is not text in UTF-8",
  });
});

test("control characters, which the database does not store, become blanks", async () => {
  const { chunks } = await prepare("html", "<p>a\0b&#0;c\u0001d</p>");
  expect(chunks.map(({ text }) => text)).toEqual([expect.stringMatching(/^a b.c d$/)]);
});
