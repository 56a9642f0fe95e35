import type { Gauge } from "../http/metrics.ts";
import type { PasswordVerifier } from "./passwords.ts";
import type { Tokens } from "./tokens.ts";

/** What logging in and checking tokens tell at /metrics. */
export const peopleGauges = ({
  tokens,
  passwords,
}: {
  readonly tokens: Tokens;
  readonly passwords: PasswordVerifier;
}): readonly Gauge[] => [
  {
    name: "auth_passwords",
    help: "Passwords checked: hashed, or remembered from a short while ago.",
    kind: "counter",
    label: "by",
    read: () => {
      const { hashed, remembered } = passwords.statistics;
      return { hashing: hashed, memory: remembered };
    },
  },
  {
    name: "auth_tokens",
    help: "Tokens checked: known already, or verified by their signature.",
    kind: "counter",
    label: "by",
    read: () => {
      const { hits, misses } = tokens.statistics;
      return { cache: hits, signature: misses };
    },
  },
  {
    name: "auth_tokens_known",
    help: "Tokens that need not be verified again.",
    kind: "gauge",
    read: () => tokens.statistics.entries,
  },
];
