/** A part of a document under one heading or on one page. */
export interface Section {
  /** Headings above it, the outermost first, with ` › ` between them. */
  readonly heading: string | undefined;
  /** From 1, where the format has pages. */
  readonly page: number | undefined;
  /** Paragraphs with blank lines between them. */
  readonly text: string;
}

/** A document's text as it was read. */
export interface ExtractedDocument {
  readonly title: string | undefined;
  readonly sections: readonly Section[];
}

/** Collects sections while a document is read from its begin to its end. */
export class SectionBuilder {
  readonly #sections: Section[] = [];
  readonly #headings: (string | undefined)[] = [];
  readonly #charactersAtMost: number;
  #text: string[] = [];
  #characters = 0;
  #firstHeading: string | undefined;

  constructor(charactersAtMost: number) {
    this.#charactersAtMost = charactersAtMost;
  }

  get firstHeading(): string | undefined {
    return this.#firstHeading;
  }

  /** @throws Error when the text is too long */
  paragraph(text: string): void {
    const trimmed = text.trim();
    if (trimmed === "") return;
    this.#characters += trimmed.length;
    if (this.#characters > this.#charactersAtMost) {
      throw new Error(`it has more than ${this.#charactersAtMost} characters of text`);
    }
    this.#text.push(trimmed);
  }

  /** @param level - 1 for the outermost */
  heading(level: number, text: string): void {
    const trimmed = text.replaceAll(/\s+/g, " ").trim().slice(0, 200);
    if (trimmed === "") return;
    this.#end();
    this.#firstHeading ??= trimmed;
    this.#headings.length = level - 1;
    this.#headings[level - 1] = trimmed;
  }

  finish(): readonly Section[] {
    this.#end();
    return this.#sections;
  }

  #end(): void {
    if (this.#text.length === 0) return;
    const heading = this.#headings.filter((one) => one !== undefined).join(" › ");
    this.#sections.push({ heading: heading || undefined, page: undefined, text: this.#text.join("\n\n") });
    this.#text = [];
  }
}
