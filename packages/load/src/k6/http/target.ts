import type { HttpRequest } from "../../http/exchange.ts";
import type { TagSet } from "../../metrics/recorder.ts";
import type { K6Options } from "../options/options.ts";
import type { TagBase } from "../runtime/tag-base.ts";

/** An address that a script asked for, read once for all users. */
export interface Target {
  /** As sent: without user and password. */
  readonly url: string;
  /** As recorded: a password becomes asterisks. */
  readonly clean: string;
  readonly parsed: URL;
  readonly username: string;
  readonly password: string;
  /** How the last exchange was recorded: the next one mostly differs in nothing. */
  last: RecordedAs | undefined;
  /** The last request without anything of its own but its method: the next one mostly is the same. */
  plain: HttpRequest | undefined;
}

interface RecordedAs {
  readonly base: TagBase;
  readonly method: string;
  readonly name: string | undefined;
  readonly status: number;
  readonly protocol: string;
  readonly expected: boolean | undefined;
  readonly set: TagSet;
}

/** Addresses remembered; beyond it all are forgotten. */
const MOST_TARGETS = 5000;

/** Parsing an address costs more than a look-up, and scripts repeat theirs. Undefined for what is no address of HTTP. Hot. */
export function targetOf(targets: Map<string, Target>, url: string): Target | undefined {
  const known = targets.get(url);
  if (known) return known;
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") return undefined;
  const target = readTarget(url, parsed);
  if (targets.size >= MOST_TARGETS) targets.clear();
  targets.set(url, target);
  return target;
}

function readTarget(url: string, parsed: URL): Target {
  const { username, password } = parsed;
  let clean = url;
  if (username !== "") {
    const hidden = new URL(parsed);
    hidden.username = "****";
    hidden.password = password === "" ? "" : "****";
    clean = hidden.href;
    parsed.username = "";
    parsed.password = "";
  }
  return {
    url: username === "" ? url : parsed.href,
    clean,
    parsed,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    last: undefined,
    plain: undefined,
  };
}

/** What stands for an address that is none, in samples and messages. */
export const unreadable = (url: string): Target => ({
  url,
  clean: url,
  parsed: new URL("http://invalid.invalid"),
  username: "",
  password: "",
  last: undefined,
  plain: undefined,
});

export function isBlocked({ parsed: { hostname } }: Target, { blockHostnames }: K6Options): boolean {
  return (
    blockHostnames?.some((pattern) =>
      pattern.startsWith("*.") ? hostname.endsWith(pattern.slice(1)) : hostname === pattern,
    ) ?? false
  );
}
