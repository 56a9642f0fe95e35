import type { Section } from "./section.ts";

/** What is found by a search: a few sentences that stand together. */
export interface Chunk {
  readonly text: string;
  readonly heading: string | undefined;
  readonly page: number | undefined;
}

export interface ChunkOptions {
  /** A chunk is full from here on, in characters. */
  readonly full: number;
  /** Longest, in characters. */
  readonly most: number;
  /** Of the end of a chunk, repeated at the begin of the next one of its section, in characters. */
  readonly overlap: number;
}

/** Some 180 words: a paragraph or two, so that a hit is about one thing. */
const chunkDefaults: ChunkOptions = { full: 1000, most: 1500, overlap: 150 };

const sentences = new Intl.Segmenter("en", { granularity: "sentence" });
/** The segmenter's time grows faster than its text. */
const segmentedAtOnce = 10_000;

/** Cuts sections at ends of sentences into chunks of like size; no chunk spans two sections. */
export function chunksOf(found: readonly Section[], options: ChunkOptions = chunkDefaults): readonly Chunk[] {
  return found.flatMap(({ heading, page, text }) =>
    textsOf(text, options).map((one) => ({ text: one, heading, page })),
  );
}

function textsOf(text: string, { full, most, overlap }: ChunkOptions): readonly string[] {
  const texts: string[] = [];
  let pieces: string[] = [];
  let length = 0;
  let fresh = false; // whether there is more than what the chunk before has already
  const end = (): void => {
    texts.push(pieces.join("").trim());
    pieces = tailOf(pieces, overlap);
    length = lengthOf(pieces);
    fresh = false;
  };
  for (const piece of piecesOf(text, most - overlap)) {
    if (fresh && length + piece.length > most) end();
    pieces.push(piece);
    length += piece.length;
    fresh = true;
    if (length >= full) end();
  }
  if (fresh) {
    const rest = pieces.join("").trim();
    if (rest !== "") texts.push(rest);
  }
  return texts;
}

/** Sentences with the space after them, and parts of those that are too long. */
function* piecesOf(text: string, most: number): Generator<string> {
  for (const paragraph of text.split(/(?<=\n\n)/)) {
    for (let from = 0; from < paragraph.length; ) {
      const slice = cutAt(paragraph, from, segmentedAtOnce);
      from += slice.length;
      for (const { segment } of sentences.segment(slice)) {
        for (let at = 0; at < segment.length; ) {
          const part = cutAt(segment, at, most);
          at += part.length;
          yield part;
        }
      }
    }
  }
}

/** At most so many characters from there on, up to a space where there is one, and never half a character. */
function cutAt(text: string, from: number, most: number): string {
  if (text.length - from <= most) return text.slice(from);
  const space = text.lastIndexOf(" ", from + most - 1);
  let end = space > from + most / 2 ? space + 1 : from + most;
  if ((text.charCodeAt(end - 1) & 0xfc_00) === 0xd8_00) end -= 1;
  return text.slice(from, end);
}

function tailOf(pieces: readonly string[], overlap: number): string[] {
  const tail: string[] = [];
  for (let i = pieces.length - 1; i > 0 && lengthOf(tail) + (pieces[i] as string).length <= overlap; i--) {
    tail.unshift(pieces[i] as string);
  }
  return tail;
}

const lengthOf = (pieces: readonly string[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0);
