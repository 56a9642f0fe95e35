import { markupText } from "../markup.ts";

/** Markup that is safe to put into a page: only `html` makes it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template; `undefined` and `false` stand for nothing. */
export type Content = Markup | string | number | undefined | false | readonly Content[];

/**
 * Markup from a template. Every string put in is made harmless text, in content and in attributes in double quotes; only
 * `Markup` goes in as it stands. So no name from a run can become an element, whoever writes the template.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = strings[0] ?? "";
  for (let i = 0; i < values.length; i++) text += rendered(values[i]) + (strings[i + 1] ?? "");
  return new Markup(text);
}

function rendered(value: Content): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return markupText(value);
  return value.map(rendered).join("");
}

export const nothing: Markup = new Markup("");

/** A coordinate with at most one decimal: more is below what a screen shows. */
export const round = (value: number): number => Math.round(value * 10) / 10;

/**
 * The data of a path: made of numbers and commands only, of any length. Text from outside is cut where no name is longer,
 * which a drawing would not survive.
 */
export const pathData = (data: string): Markup => new Markup(data.replace(/[^-\w .]/g, ""));
