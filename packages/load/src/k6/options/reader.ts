import { parseK6Duration } from "../http/params.ts";

/** Reads fields of one object of options, and notes what is wrong with them instead of stopping at the first. */
export class OptionReader {
  readonly #given: Readonly<Record<string, unknown>>;
  readonly #problems: string[];
  readonly #path: string;
  readonly #read = new Set<string>();

  constructor(given: unknown, problems: string[], path: string) {
    this.#problems = problems;
    this.#path = path;
    if (typeof given === "object" && given !== null && !Array.isArray(given))
      this.#given = given as Record<string, unknown>;
    else {
      this.#given = {};
      problems.push(`${path === "" ? "options" : path.slice(0, -1)} must be an object, got ${JSON.stringify(given)}`);
    }
  }

  problem(name: string, text: string): undefined {
    this.#problems.push(`${this.#path}${name} ${text}`);
    return undefined;
  }

  raw(name: string): unknown {
    this.#read.add(name);
    const value = this.#given[name];
    return value === null ? undefined : value;
  }

  #checked<T>(name: string, what: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const result = read(value);
    return result === undefined ? this.problem(name, `must be ${what}, got ${JSON.stringify(value)}`) : result;
  }

  whole(name: string, least = 0): number | undefined {
    return this.#checked(name, `a whole number of ${least} or more`, (value) => {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && Number.isSafeInteger(number) && number >= least ? number : undefined;
    });
  }

  duration(name: string): number | undefined {
    return this.#checked(name, 'a duration such as "30s" or "1m30s"', (value) => {
      if (typeof value === "number") return value >= 0 && Number.isFinite(value) ? value : undefined;
      return typeof value === "string" ? parseK6Duration(value) : undefined;
    });
  }

  text(name: string): string | undefined {
    return this.#checked(name, "a text", (value) => (typeof value === "string" ? value : undefined));
  }

  flag(name: string): boolean | undefined {
    return this.#checked(name, "true or false", (value) =>
      typeof value === "boolean" ? value : value === "true" ? true : value === "false" ? false : undefined,
    );
  }

  texts(name: string): readonly string[] | undefined {
    return this.#checked(name, "a list of texts", (value) => {
      const list = typeof value === "string" ? value.split(",").map((text) => text.trim()) : value;
      return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : undefined;
    });
  }

  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    return this.#checked(name, `one of ${choices.join(", ")}`, (value) => choices.find((choice) => choice === value));
  }

  map(name: string): Readonly<Record<string, string>> | undefined {
    return this.#checked(name, "an object of texts", (value) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]))
        : undefined,
    );
  }

  /** Names that were given and asked for by nobody. */
  unknown(): string[] {
    return Object.keys(this.#given).filter((name) => !this.#read.has(name));
  }
}
