import { isIP } from "node:net";
import { dashboardErrors } from "../errors.ts";

export interface Address {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/** Only this machine can reach it. */
export const LOOPBACK = "127.0.0.1";

/**
 * @param text - a port, or a host and a port
 * @throws MettleError `DASHBOARD_ADDRESS_INVALID`
 */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]:|([^[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  const isHost = host === undefined || (bracketed === undefined ? /^[\w.-]+$/.test(host) : isIP(host) === 6);
  if (digits !== undefined && port <= 65_535 && isHost) return { host: host ?? LOOPBACK, port };
  throw dashboardErrors.create("DASHBOARD_ADDRESS_INVALID", `${JSON.stringify(text)} is no address to listen on.`, {
    details: { address: text },
  });
}

/** Whether a host to listen on, or the name in a request, means this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

/** The name that a request was sent to, without its port. */
export function hostOf(header: string | undefined): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(header ?? "") ?? [];
  return bracketed ?? plain ?? "";
}
