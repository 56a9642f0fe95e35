import { createHash, createHmac, type Hash, type Hmac, randomBytes } from "node:crypto";
import { bytesOf } from "../http/body.ts";
import { arrayBufferOf } from "./encoding.ts";

const algorithms: Readonly<Record<string, string>> = {
  md5: "md5",
  sha1: "sha1",
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
  sha512_224: "sha512-224",
  sha512_256: "sha512-256",
  ripemd160: "ripemd160",
};

function algorithmOf(name: string): string {
  if (name === "md4") throw new Error("md4 is not provided: the cryptography of Node has left it out");
  const found = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined;
  if (found === undefined) throw new Error(`unknown hash algorithm ${name}`);
  return found;
}

function encode(digest: Buffer, encoding: string): string | ArrayBuffer {
  switch (encoding) {
    case "hex":
      return digest.toString("hex");
    case "base64":
      return digest.toString("base64");
    case "base64url": {
      const text = digest.toString("base64url");
      return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
    }
    case "base64rawurl":
      return digest.toString("base64url");
    case "binary":
      return arrayBufferOf(digest);
    default:
      throw new Error(`invalid output encoding: ${encoding}`);
  }
}

/** k6 lets one read a digest and go on adding, which Node's own objects do not. */
class Hasher {
  readonly #parts: Uint8Array[] = [];
  readonly #make: () => Hash | Hmac;

  constructor(make: () => Hash | Hmac) {
    this.#make = make;
  }

  update(data: string | ArrayBuffer): void {
    this.#parts.push(bytesOf(data));
  }

  digest(encoding: string): string | ArrayBuffer {
    const hash = this.#make();
    for (const part of this.#parts) hash.update(part);
    return encode(hash.digest(), encoding);
  }
}

type Data = string | ArrayBuffer;

/** The module `k6/crypto`. */
export function cryptoModule(): Record<string, unknown> {
  const hash = (algorithm: string) => (data: Data, encoding: string) =>
    encode(createHash(algorithmOf(algorithm)).update(bytesOf(data)).digest(), encoding);
  const hashes = Object.fromEntries([...Object.keys(algorithms), "md4"].map((name) => [name, hash(name)]));
  return {
    ...hashes,
    createHash: (algorithm: string) => {
      const name = algorithmOf(algorithm);
      return new Hasher(() => createHash(name));
    },
    createHMAC: (algorithm: string, secret: Data) => {
      const name = algorithmOf(algorithm);
      return new Hasher(() => createHmac(name, bytesOf(secret)));
    },
    hmac: (algorithm: string, secret: Data, data: Data, encoding: string) =>
      encode(createHmac(algorithmOf(algorithm), bytesOf(secret)).update(bytesOf(data)).digest(), encoding),
    hexEncode: (data: Data) => Buffer.from(bytesOf(data)).toString("hex"),
    randomBytes: (size: unknown) => {
      const length = Number(size);
      if (!Number.isSafeInteger(length) || length < 1) throw new Error("invalid size");
      return arrayBufferOf(randomBytes(length));
    },
  };
}
