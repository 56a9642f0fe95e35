import { createHmac, randomBytes } from "node:crypto";
import type { Milliseconds } from "@mettle/core";
import { hash, verify } from "@node-rs/argon2";
import { LRUCache } from "lru-cache";

/** OWASP's least for argon2id, which the library uses unless told otherwise: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const rememberedAtMost = 100_000;

export const hashPassword = (password: string): Promise<string> => hash(password, cost);

export interface VerifierOptions {
  /** How long a password that was right need not be hashed again; 0 for never. */
  readonly remember: Milliseconds;
  /** Monotonic ms. */
  readonly now?: () => number;
}

/**
 * Checks passwords. A wrong password, an unknown user and a disabled one take equally long: where there is no hash, a
 * hash of nobody's password is checked.
 *
 * What was right is remembered for a while under an HMAC of hash and password, by a key that exists only in this process's
 * memory (docs/security.md, "Many logins"). A wrong password is never remembered, and always costs a full hash.
 */
export class PasswordVerifier {
  readonly #key = randomBytes(32);
  readonly #right: LRUCache<string, true> | undefined;
  readonly #nobody = hashPassword(randomBytes(32).toString("base64"));
  #hashed = 0;
  #remembered = 0;

  constructor({ remember, now }: VerifierOptions) {
    if (remember > 0) {
      this.#right = new LRUCache({
        max: rememberedAtMost,
        ttl: remember,
        ...(now && { perf: { now }, ttlResolution: 0 }),
      });
    }
  }

  get statistics(): { readonly hashed: number; readonly remembered: number } {
    return { hashed: this.#hashed, remembered: this.#remembered };
  }

  /** @param stored - the user's hash; undefined when there is no such user */
  async verify(stored: string | undefined, password: string): Promise<boolean> {
    // The stored hash is part of what is remembered: a changed password forgets itself.
    const digest = stored && createHmac("sha256", this.#key).update(`${stored}\n${password}`).digest("base64");
    if (digest !== undefined && this.#right?.has(digest) === true) {
      this.#remembered += 1;
      return true;
    }
    this.#hashed += 1;
    const right = await verify(stored ?? (await this.#nobody), password);
    if (!right || stored === undefined || digest === undefined) return false;
    this.#right?.set(digest, true);
    return true;
  }
}
