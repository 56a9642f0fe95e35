import { createHash, randomBytes } from "node:crypto";

interface DigestRequest {
  readonly method: string;
  readonly uri: string;
  readonly username: string;
  readonly password: string;
}

/** The `Authorization` header that answers a digest challenge (RFC 7616); undefined for another or an unknown one. */
export function digestAuthorization(
  challenge: string,
  { method, uri, username, password }: DigestRequest,
  cnonce: string = randomBytes(8).toString("hex"),
): string | undefined {
  if (!/^digest\s/i.test(challenge)) return undefined;
  const fields = new Map(
    [...challenge.slice(7).matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))/g)].map(([, name = "", quoted, bare]) => [
      name.toLowerCase(),
      quoted ?? bare ?? "",
    ]),
  );
  const algorithm = fields.get("algorithm") ?? "MD5";
  const hashName = { MD5: "md5", "MD5-SESS": "md5", "SHA-256": "sha256", "SHA-256-SESS": "sha256" }[algorithm.toUpperCase()];
  const realm = fields.get("realm");
  const nonce = fields.get("nonce");
  if (!hashName || realm === undefined || nonce === undefined) return undefined;
  const hash = (text: string): string => createHash(hashName).update(text).digest("hex");
  const secret = hash(`${username}:${realm}:${password}`);
  const first = /-sess$/i.test(algorithm) ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const second = hash(`${method}:${uri}`);
  const withQop = fields.get("qop")?.split(",").some((text) => text.trim() === "auth") ?? false;
  const response = hash(withQop ? `${first}:${nonce}:00000001:${cnonce}:auth:${second}` : `${first}:${nonce}:${second}`);
  const opaque = fields.get("opaque");
  return [
    `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"`,
    `algorithm=${algorithm}`,
    ...(withQop ? [`qop=auth, nc=00000001, cnonce="${cnonce}"`] : []),
    ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
  ].join(", ");
}
