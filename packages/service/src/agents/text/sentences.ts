/** A sentence with its place in the text. */
export interface Sentence {
  readonly text: string;
  /** Counted from 0. */
  readonly index: number;
  /** Its words that carry meaning, in lower case, cut to their stems. */
  readonly terms: readonly string[];
}

const sentenceSegmenter = new Intl.Segmenter("en", { granularity: "sentence" });
const wordSegmenter = new Intl.Segmenter("en", { granularity: "word" });
/** Ends that are no ends. */
const abbreviation = /\b(?:e\.g|i\.e|etc|vs|cf|al|no|fig|eq|dr|mr|mrs|ms|prof|st|inc|ltd|approx)\.$/i;

const stopWords = new Set(
  `a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it its may might
  more most must my no nor not of on one only or other our out over she should so some such than that the their them then there
  these they this those to too under up upon us very was we were what when where which while who whom why will with would you
  your also about after all any because before being between both each few further here just me same own per both during`
    .split(/\s+/)
    .filter(Boolean),
);

/** Splits a text into sentences, across line breaks but not across blank lines. */
export function sentencesOf(text: string): readonly Sentence[] {
  const pieces = text.split(/\n\s*\n/).flatMap((paragraph) => segments(paragraph.replaceAll(/\s+/g, " ").trim()));
  return pieces.map((piece, index) => ({ text: piece, index, terms: termsOf(piece) }));
}

function segments(paragraph: string): readonly string[] {
  const pieces: string[] = [];
  let open: string[] = []; // of a sentence that goes on; looked at one by one, as all of it each time would take for ever
  for (const { segment } of sentenceSegmenter.segment(paragraph)) {
    open.push(segment);
    if (abbreviation.test(segment.trimEnd())) continue;
    pieces.push(open.join(""));
    open = [];
  }
  pieces.push(open.join(""));
  return pieces.map((piece) => piece.trim()).filter((piece) => /[\p{L}\p{N}]/u.test(piece));
}

/** The words of a text that carry meaning, in lower case, cut to their stems. */
export function termsOf(text: string): readonly string[] {
  const terms: string[] = [];
  for (const { segment, isWordLike } of wordSegmenter.segment(text)) {
    if (isWordLike !== true) continue;
    const word = segment.toLowerCase().normalize("NFC");
    if (word.length > 1 && !stopWords.has(word)) terms.push(stem(word));
  }
  return terms;
}

/** Enough to let singular and plural, and the forms of a verb, be one. */
function stem(word: string): string {
  if (word.length <= 4 || !/^[a-z]+$/.test(word)) return word;
  return word
    .replace(/ies$/, "y")
    .replace(/(?<=[^aeiou])(?:es|ed|ing|ly)$/, "")
    .replace(/(?<=[^s])s$/, "");
}

/** Words as people count them. */
export function wordCount(text: string): number {
  let count = 0;
  for (const { isWordLike } of wordSegmenter.segment(text)) if (isWordLike === true) count += 1;
  return count;
}
