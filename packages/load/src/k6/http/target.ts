import type { TagSet } from "../../metrics/recorder.ts";
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
