const word = /[\p{L}\p{N}]+(?:['’]\p{L}+)*/gu;

/** The words of a text as the embedding and the relevance rules count them: lower case, without signs. */
export const wordsOf = (text: string): readonly string[] =>
  (text.normalize("NFKC").toLowerCase().match(word) ?? []).map((one) => one.replace(/['’]s$/, ""));

/** What is left when the endings that English gives a word are cut off: enough to let its forms meet. */
export function stemOf(one: string): string {
  if (one.length <= 3 || !/^[a-z]+$/.test(one)) return one;
  const singular = one.replace(/ies$/, "y").replace(/(?<=[^s])s$/, "");
  const stem = singular.replace(/(?<=\w{3})(?:ing|ed|ly|er|ation|ion|ment)$/, "");
  return stem.replace(/(?<=\w{2})e$/, "").replace(/([^aeiouls])\1$/, "$1");
}
