import type { UserContext } from "../runtime/user-context.ts";

/** The module `k6/secrets`. */
export function secretsModule(context: UserContext): Record<string, unknown> {
  const { secrets } = context.share;
  const getFrom = (source?: string) => async (name: unknown) => secrets.get(String(name), source);
  return {
    get: getFrom(),
    source: (name: unknown) => {
      const text = String(name);
      return { get: getFrom(text) };
    },
  };
}
