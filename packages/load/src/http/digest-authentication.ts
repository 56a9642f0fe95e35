import { createHash, randomBytes } from "node:crypto";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: string;
  readonly hash: string;
  readonly session: boolean;
  readonly qop: "auth" | undefined;
}

/** Strongest first; OpenSSL's names. */
const hashes = new Map([
  ["SHA-512-256", "sha512-256"],
  ["SHA-256", "sha256"],
  ["MD5", "md5"],
]);

/**
 * The Authorization header that answers a 401 by RFC 7616, of the strongest challenge that can be answered.
 *
 * @param challenges - the values of all WWW-Authenticate headers
 * @param requestTarget - path and query, as in the request line
 * @param clientNonce - for a test; random otherwise
 * @returns `undefined` where nobody asks for digest, or in a way not known here
 */
export function digestAuthorization(
  challenges: readonly string[],
  { username, password }: Credentials,
  method: string,
  requestTarget: string,
  clientNonce: string = randomBytes(16).toString("hex"),
): string | undefined {
  const order = [...hashes.keys()];
  const challenge = challenges
    .flatMap(splitChallenges)
    .map(digestChallenge)
    .filter((each) => each !== undefined)
    .sort((a, b) => order.indexOf(plain(a.algorithm)) - order.indexOf(plain(b.algorithm)))[0];
  if (!challenge) return undefined;
  const { realm, nonce, opaque, algorithm, hash, session, qop } = challenge;
  const digest = (text: string): string => createHash(hash).update(text, "utf8").digest("hex");
  const base = digest(`${username}:${realm}:${password}`);
  const secret = session ? digest(`${base}:${nonce}:${clientNonce}`) : base;
  const action = digest(`${method}:${requestTarget}`);
  const response = digest(
    qop === undefined ? `${secret}:${nonce}:${action}` : `${secret}:${nonce}:00000001:${clientNonce}:auth:${action}`,
  );
  const parts = [
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(requestTarget)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(qop === undefined && !session ? [] : [`cnonce=${quoted(clientNonce)}`]),
    ...(qop === undefined ? [] : ["qop=auth", "nc=00000001"]),
  ];
  return `Digest ${parts.join(", ")}`;
}

const plain = (algorithm: string): string => algorithm.toUpperCase().replace(/-SESS$/, "");

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;

function digestChallenge([scheme, parameters]: readonly [string, ReadonlyMap<string, string>]): Challenge | undefined {
  const nonce = parameters.get("nonce");
  const algorithm = parameters.get("algorithm") ?? "MD5";
  const hash = hashes.get(plain(algorithm));
  if (scheme.toLowerCase() !== "digest" || nonce === undefined || hash === undefined) return undefined;
  const offered = parameters
    .get("qop")
    ?.split(",")
    .map((word) => word.trim().toLowerCase());
  // Protection of the body alone cannot be answered.
  if (offered && !offered.includes("auth")) return undefined;
  return {
    realm: parameters.get("realm") ?? "",
    nonce,
    opaque: parameters.get("opaque"),
    algorithm,
    hash,
    session: /-sess$/i.test(algorithm),
    qop: offered ? "auth" : undefined,
  };
}

/** One header may hold several challenges, of which the parameters too are separated by commas (RFC 9110 11.6.1). */
function splitChallenges(header: string): (readonly [scheme: string, parameters: Map<string, string>])[] {
  const challenges: (readonly [string, Map<string, string>])[] = [];
  const pattern = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|(?=\s|,|$))/g;
  for (const [, word = "", text, token] of header.matchAll(pattern)) {
    if (text === undefined && token === undefined) challenges.push([word, new Map()]);
    else challenges.at(-1)?.[1].set(word.toLowerCase(), token ?? text!.replaceAll(/\\(.)/g, "$1"));
  }
  return challenges;
}
