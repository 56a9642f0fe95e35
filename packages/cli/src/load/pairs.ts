import type { CommandContext } from "../command-context.ts";
import { cliErrors } from "../errors.ts";

/**
 * The values of a repeatable flag that are name and value.
 *
 * @throws MettleError `USAGE_VALUE_INVALID`
 */
export function pairs(
  { flags }: CommandContext,
  flag: string,
  separator: string | RegExp = "=",
): Record<string, string> {
  return Object.fromEntries(
    flags.all(flag).map((text): [string, string] => {
      const [name = "", ...rest] = text.split(separator);
      const at =
        typeof separator === "string"
          ? name.length + separator.length
          : (separator.exec(text)?.[0].length ?? 0) + name.length;
      if (name === "" || rest.length === 0) {
        throw cliErrors.create(
          "USAGE_VALUE_INVALID",
          `--${flag} needs a name and a value, got ${JSON.stringify(text)}.`,
          {
            details: { flag: `--${flag}`, value: text },
          },
        );
      }
      return [name.trim(), text.slice(at)];
    }),
  );
}
