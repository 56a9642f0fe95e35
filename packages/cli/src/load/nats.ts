import { resolve } from "node:path";
import { checkSubject, distributeDefaults, type NatsOptions } from "@mettle/load";
import type { CommandContext } from "../command-context.ts";

/**
 * The first part of all subjects.
 *
 * @throws MettleError `LOAD_NATS_OPTIONS_INVALID`
 */
export const subjectOf = ({ flags }: CommandContext): string =>
  checkSubject(flags.text("subject") ?? distributeDefaults.subject);

/** What the flags say of the NATS server; undefined where none is named and there is no default. */
export function natsOptions({ flags, cwd }: CommandContext, fallback?: string): NatsOptions | undefined {
  const url = flags.text("nats") ?? fallback;
  if (url === undefined) return undefined;
  const given = {
    user: flags.text("nats-user"),
    password: flags.text("nats-password"),
    token: flags.text("nats-token"),
    credentials: file("nats-creds"),
    ca: file("nats-ca"),
    certificate: file("nats-cert"),
    key: file("nats-key"),
  };
  return { url, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };

  function file(name: string): string | undefined {
    const path = flags.text(name);
    return path === undefined ? undefined : resolve(cwd, path);
  }
}
