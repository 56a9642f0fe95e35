import { type Milliseconds, ms, messageOf, parseDurationMs, parseQuantity } from "@mettle/core";

/** One setting: where it comes from, what it is when nobody sets it, and how its text is read. */
export interface Setting<T> {
  /** The environment variable; in the file the setting has its key's name. */
  readonly variable: string;
  /** As it would be written; undefined where there is no value unless one is given. */
  readonly default: string | undefined;
  readonly help: string;
  /** What may be written, for the reference: `1…65535`. */
  readonly form: string;
  /** True for what must not be printed. */
  readonly secret: boolean;
  /** @throws Error with what is wrong, without the name */
  parse(text: string): T;
}

type Without<T> = T | undefined;
interface Described {
  readonly variable: string;
  readonly help: string;
}

const make = <T>(
  { variable, help }: Described,
  form: string,
  parse: (text: string) => T,
  fallback: string | undefined,
  secret = false,
): Setting<T> => ({ variable, help, form, parse, default: fallback, secret });

export const text = (at: Described & { readonly default: string }): Setting<string> =>
  make(at, "text", String, at.default);

export const optionalText = (at: Described): Setting<Without<string>> => make(at, "text", String, undefined);

export const secret = (at: Described & { readonly least: number }): Setting<Without<string>> =>
  make(
    at,
    `at least ${at.least} characters`,
    (given) => {
      if (given.length < at.least) throw new Error(`has fewer than ${at.least} characters`);
      return given;
    },
    undefined,
    true,
  );

/**
 * A URL of certain protocols, or several with commas between them where they are nodes of one thing; may hold a password, so
 * that it is never printed.
 */
export const url = (
  at: Described & { readonly protocols: readonly string[]; readonly nodes?: boolean },
): Setting<Without<string>> =>
  make(
    at,
    at.protocols.map((protocol) => `${protocol}//…`).join(" or ") + (at.nodes === true ? ", nodes with commas" : ""),
    (given) => {
      for (const one of at.nodes === true ? given.split(",") : [given]) {
        if (!URL.canParse(one) || !at.protocols.includes(new URL(one).protocol)) {
          throw new Error(`is no URL that begins with ${at.protocols.join(" or ")}`);
        }
      }
      return given;
    },
    undefined,
    true,
  );

export const integer = (
  at: Described & { readonly default: number; readonly from: number; readonly to: number },
): Setting<number> =>
  make(
    at,
    `${at.from}…${at.to}`,
    (given) => {
      const value = /^-?\d+$/.test(given) ? Number(given) : Number.NaN;
      if (!(value >= at.from && value <= at.to)) throw new Error(`is no whole number from ${at.from} to ${at.to}`);
      return value;
    },
    String(at.default),
  );

export const duration = (
  at: Described & { readonly default: string; readonly least?: string },
): Setting<Milliseconds> =>
  make(
    at,
    "a duration such as 30s",
    (given) => {
      const value = parseDurationMs(given);
      if (at.least !== undefined && value < parseDurationMs(at.least)) throw new Error(`is shorter than ${at.least}`);
      return ms(value);
    },
    at.default,
  );

export const size = (at: Described & { readonly default: string }): Setting<number> =>
  make(
    at,
    "a size such as 2 MB",
    (given) => {
      const { value, unit } = parseQuantity(given);
      if (unit !== "bytes" || !(value > 0)) throw new Error("is no size above zero");
      return value;
    },
    at.default,
  );

export const flag = (at: Described & { readonly default: boolean }): Setting<boolean> =>
  make(
    at,
    "on or off",
    (given) => {
      if (!["on", "off", "true", "false"].includes(given)) throw new Error("is neither on nor off");
      return given === "on" || given === "true";
    },
    at.default ? "on" : "off",
  );

export const list = (at: Described & { readonly protocols: readonly string[] }): Setting<readonly string[]> =>
  make(
    at,
    "URLs with commas",
    (given) => {
      const parts = given.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
      for (const part of parts) url(at).parse(part);
      return parts;
    },
    "",
  );

/** @throws Error with what is wrong */
export function valueOf<T>(setting: Setting<T>, given: string): T {
  try {
    return setting.parse(given);
  } catch (error) {
    const shown = setting.secret ? "" : ` (${JSON.stringify(given)})`;
    throw new Error(`${messageOf(error)}${shown}`, { cause: error });
  }
}
