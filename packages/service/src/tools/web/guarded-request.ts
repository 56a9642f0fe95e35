import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { ToolFailure } from "../tool.ts";
import { isPublicAddress } from "./public-address.ts";

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface RequestGuard {
  /** Origins, such as `http://wiki.internal:8080`, that may be reached wherever they are. */
  readonly origins: ReadonlySet<string>;
  /** All addresses of a name. */
  readonly resolve: (host: string) => Promise<readonly Address[]>;
}

export const systemResolve: RequestGuard["resolve"] = (host) => lookup(host, { all: true });

export interface FetchedPage {
  readonly url: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  /** Whether there is more than what was read. */
  readonly cut: boolean;
}

const redirectsAtMost = 5;
const ports = new Set(["", "80", "443"]);
const redirectCodes = new Set([301, 302, 303, 307, 308]);

/**
 * Gets a page of the public internet. Every address that the name has must be public, and the connection goes to one of
 * those very addresses: a name that changes its mind between the check and the connection changes nothing. Redirects are
 * checked like the first address. Nothing of ours is sent: no cookies, no credentials, no proxy.
 *
 * @throws ToolFailure `TOOL_ADDRESS_REFUSED`; `TOOL_FAILED`
 */
export async function guardedGet(
  given: string,
  guard: RequestGuard,
  bytesAtMost: number,
  signal: AbortSignal,
): Promise<FetchedPage> {
  let url = parse(given);
  for (let hop = 0; hop <= redirectsAtMost; hop++) {
    const addresses = await checkedAddresses(url, guard);
    const response = await send(url, addresses, signal);
    const { location } = response.headers;
    if (!redirectCodes.has(response.statusCode ?? 0) || location === undefined) return read(url, response, bytesAtMost);
    response.destroy();
    url = parse(URL.canParse(location, url.href) ? new URL(location, url).href : location);
  }
  throw new ToolFailure(`The address redirects more than ${redirectsAtMost} times.`);
}

/** As browsers read it: 0x7f.1, 2130706433 and 127.1 are all 127.0.0.1 from here on. */
function parse(given: string): URL {
  if (!URL.canParse(given)) throw new ToolFailure("That is no address.");
  const url = new URL(given);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refused("Only http and https may be fetched.");
  if (url.username !== "" || url.password !== "") throw refused("An address with a user in it is not fetched.");
  return url;
}

async function checkedAddresses(url: URL, { origins, resolve }: RequestGuard): Promise<readonly Address[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(host);
  let addresses: readonly Address[];
  try {
    addresses = family === 0 ? await resolve(host) : [{ address: host, family }];
  } catch (cause) {
    throw new ToolFailure(`The name ${host} is not known.`, undefined, { cause });
  }
  if (addresses.length === 0) throw new ToolFailure(`The name ${host} is not known.`);
  if (origins.has(url.origin)) return addresses;
  if (!ports.has(url.port)) throw refused("Only the ports 80 and 443 may be reached.");
  // All of them: a name with one public and one private address is an attempt.
  if (!addresses.every(({ address }) => isPublicAddress(address))) {
    throw refused("The address is not one of the public internet.");
  }
  return addresses;
}

const refused = (message: string): ToolFailure => new ToolFailure(message, "TOOL_ADDRESS_REFUSED");

function send(url: URL, addresses: readonly Address[], signal: AbortSignal): Promise<IncomingMessage> {
  const checked: LookupFunction = (_host, { all }, done) => {
    const [first] = addresses as readonly [Address];
    if (all === true) done(null, [...addresses]);
    else done(null, first.address, first.family);
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
      agent: false, // a connection of its own, that nothing else uses
      lookup: checked,
      signal,
      headers: {
        "user-agent": "mettle-web-tool",
        accept: "text/*, application/json, application/xml;q=0.9",
        "accept-encoding": "identity",
      },
      maxHeaderSize: 16_384,
    });
    request.once("socket", (socket) => {
      socket.once("connect", () => {
        // What the check above promises, looked at once more where the bytes would go.
        if (!addresses.some(({ address }) => address === socket.remoteAddress))
          request.destroy(refused("The address has changed."));
      });
    });
    request.once("response", resolve);
    request.once("error", (cause) =>
      reject(
        cause instanceof ToolFailure ? cause : new ToolFailure(`${url.host} did not answer.`, undefined, { cause }),
      ),
    );
    request.end();
  });
}

async function read(url: URL, response: IncomingMessage, bytesAtMost: number): Promise<FetchedPage> {
  const encoding = response.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    response.destroy();
    throw new ToolFailure("The page came packed although it was asked for as it is.");
  }
  const pieces: Buffer[] = [];
  let size = 0;
  let cut = false;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece.subarray(0, bytesAtMost - size));
      size += piece.length;
      cut = size > bytesAtMost;
      if (cut) break;
    }
  } catch (cause) {
    throw new ToolFailure(`${url.host} broke off.`, undefined, { cause });
  }
  const contentType = response.headers["content-type"] ?? "application/octet-stream";
  return { url: url.href, status: response.statusCode ?? 0, contentType, body: Buffer.concat(pieces), cut };
}
