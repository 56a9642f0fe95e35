import { classesOf, type MarkupElement } from "./markup-tree.ts";

export type Theme = "light" | "dark";

/** One step of a selector: an element's name, where one is asked for, and classes that it must have. */
interface Compound {
  readonly name: string | undefined;
  readonly classes: readonly string[];
  /** Directly below the step before. */
  readonly isChild: boolean;
}

interface Rule {
  readonly steps: readonly Compound[];
  readonly weight: number;
  readonly declarations: Readonly<Record<string, string>>;
}

/**
 * As much of a style sheet as drawings need: selectors of names and classes, variables of a theme. What it does not know, a
 * media query or a pseudo-class, is no rule for a picture.
 */
export class StyleSheet {
  readonly #rules: readonly Rule[];
  readonly #variables: Readonly<Record<string, string>>;

  constructor(text: string, theme: Theme) {
    const plain = text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
    this.#variables = {
      ...variablesOf(plain, ":root"),
      ...(theme === "dark" && variablesOf(plain, ':root[data-theme="dark"]')),
    };
    this.#rules = rulesOf(withoutBlocks(plain));
  }

  /** What holds for an element, by property. @param parents - the nearest first */
  style(element: MarkupElement, parents: readonly MarkupElement[]): Readonly<Record<string, string>> {
    const matching = this.#rules
      .filter(({ steps }) => matches(steps, element, parents))
      .toSorted((a, b) => a.weight - b.weight);
    const all = Object.assign({}, ...matching.map(({ declarations }) => declarations)) as Record<string, string>;
    return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, this.resolve(value)]));
  }

  /** A value without variables. */
  resolve(value: string): string {
    return value.replaceAll(/var\((--[\w-]+)\)/g, (_, name: string) => this.#variables[name] ?? "");
  }
}

/** Without media queries and the like: blocks within blocks. */
const withoutBlocks = (text: string): string => text.replaceAll(/@[^{;]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, "");

function variablesOf(text: string, selector: string): Record<string, string> {
  const block = withoutBlocks(text)
    .split("}")
    .find((rule) => rule.trimStart().startsWith(`${selector} {`));
  return Object.fromEntries(
    [...(block ?? "").matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [name, value.trim()]),
  );
}

function rulesOf(text: string): readonly Rule[] {
  return [...text.matchAll(/([^{}]+)\{([^{}]*)\}/g)].flatMap(([, selectors = "", body = ""]) => {
    const declarations = Object.fromEntries(
      [...body.matchAll(/([\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [
        name,
        value.replaceAll(/\s+/g, " ").trim(),
      ]),
    );
    return selectors.split(",").flatMap((selector): Rule[] => {
      const steps = stepsOf(selector.trim());
      const weight = steps?.reduce(
        (sum, { name, classes }) => sum + classes.length * 100 + (name === undefined ? 0 : 1),
        0,
      );
      return steps === undefined || weight === undefined ? [] : [{ steps, weight, declarations }];
    });
  });
}

/** Undefined for what drawings have no use for: pseudo-classes, attributes, ids. */
function stepsOf(selector: string): readonly Compound[] | undefined {
  if (selector === "" || /[:#[*+~]/.test(selector)) return undefined;
  const words = selector.replaceAll(/\s*>\s*/g, " >").split(/\s+/);
  return words.map((word) => {
    const isChild = word.startsWith(">");
    const [name = "", ...classes] = (isChild ? word.slice(1) : word).split(".");
    return { name: name === "" ? undefined : name, classes, isChild };
  });
}

function matches(steps: readonly Compound[], element: MarkupElement, parents: readonly MarkupElement[]): boolean {
  const last = steps.at(-1);
  if (!last || !fits(last, element)) return false;
  const rest = steps.slice(0, -1);
  if (rest.length === 0) return true;
  const tried = last.isChild ? parents.slice(0, 1) : parents;
  return tried.some((parent, i) => matches(rest, parent, parents.slice(i + 1)));
}

function fits({ name, classes }: Compound, element: MarkupElement): boolean {
  const own = classesOf(element);
  return (name === undefined || name === element.name) && classes.every((each) => own.includes(each));
}
