import { createHash, randomUUID } from "node:crypto";
import { type Clock, type Milliseconds, timeOrderedId } from "@mettle/core";
import {
  type CryptoKey,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from "jose";
import { LRUCache } from "lru-cache";
import type { Database } from "../storage/database.ts";
import { type Principal, roles } from "./principal.ts";

const algorithm = "EdDSA";
const issuer = "mettle";
const audience = "mettle-service";
const verifiedAtMost = 50_000;

export interface TokenOptions {
  readonly lifetime: Milliseconds;
  /** After this a new key signs. */
  readonly keyLifetime: Milliseconds;
}

/** A principal as its token tells it, and the generation of the user that it was made for. */
export interface Claims extends Principal {
  readonly generation: number;
  /** Unix ms. */
  readonly expiresAt: number;
}

interface SigningKey {
  readonly id: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly createdAt: number;
}

interface StoredKey {
  readonly id: string;
  readonly private_jwk: JWK;
  readonly created_at: Date;
}

/**
 * Signs tokens with the newest key and verifies those of any key whose tokens may still be good. Keys are in the database,
 * so that all instances know them. One algorithm, whatever a token's header says.
 */
export class Tokens {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #options: TokenOptions;
  readonly #verified = new LRUCache<string, Claims>({ max: verifiedAtMost });
  #keys = new Map<string, SigningKey>();
  #loading: Promise<void> | undefined;
  #hits = 0;
  #misses = 0;
  #loadedAt = Number.NEGATIVE_INFINITY;

  constructor(database: Database, clock: Clock, options: TokenOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#options = options;
  }

  async sign(principal: Principal, generation: number): Promise<{ token: string; expiresAt: number }> {
    const now = this.#clock.wallTime();
    const key = await this.#currentKey();
    const expiresAt = Math.floor((now + this.#options.lifetime) / 1000) * 1000;
    const token = await new SignJWT({
      name: principal.userName,
      tenant: principal.tenantId,
      role: principal.role,
      generation,
    })
      .setProtectedHeader({ alg: algorithm, kid: key.id, typ: "JWT" })
      .setSubject(principal.userId)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(expiresAt / 1000)
      .setJti(randomUUID())
      .sign(key.privateKey);
    return { token, expiresAt };
  }

  /** How often a token was known already, and of how many it is known. */
  get statistics(): { readonly entries: number; readonly hits: number; readonly misses: number } {
    return { entries: this.#verified.size, hits: this.#hits, misses: this.#misses };
  }

  /** What a token says, or undefined when it is no good token of ours. Hot: once a request. */
  async verify(token: string): Promise<Claims | undefined> {
    const now = this.#clock.wallTime();
    // By digest: a heap dump of the cache holds no tokens.
    const digest = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(digest);
    if (known) {
      this.#hits += 1;
      return known.expiresAt > now ? known : undefined;
    }
    this.#misses += 1;
    const claims = await this.#check(token, now);
    if (claims) this.#verified.set(digest, claims);
    return claims;
  }

  async #check(token: string, now: number): Promise<Claims | undefined> {
    const key = await this.#keyOf(token);
    if (!key) return undefined;
    try {
      const { payload } = await jwtVerify(token, key.publicKey, {
        algorithms: [algorithm],
        issuer,
        audience,
        currentDate: new Date(now),
        requiredClaims: ["sub", "exp", "iat"],
      });
      const { sub, exp, name, tenant, role, generation } = payload;
      if (typeof name !== "string" || typeof tenant !== "string" || typeof generation !== "number") return undefined;
      const known = roles.find((one) => one === role);
      if (!known || sub === undefined || exp === undefined) return undefined;
      return { userId: sub, userName: name, tenantId: tenant, role: known, generation, expiresAt: exp * 1000 };
    } catch {
      return undefined; // whatever is wrong with it, its bearer learns no more than that
    }
  }

  async #keyOf(token: string): Promise<SigningKey | undefined> {
    let id: unknown;
    try {
      id = decodeProtectedHeader(token).kid;
    } catch {
      return undefined;
    }
    if (typeof id !== "string") return undefined;
    // Another instance may have made a key; but tokens with made-up ids must not cost a query each.
    if (!this.#keys.has(id) && this.#clock.wallTime() - this.#loadedAt > 5000) await this.#load();
    return this.#keys.get(id);
  }

  async #currentKey(): Promise<SigningKey> {
    const newest = this.#newest();
    if (newest) return newest;
    await this.#load();
    return this.#newest() ?? this.#makeKey();
  }

  #newest(): SigningKey | undefined {
    const from = this.#clock.wallTime() - this.#options.keyLifetime;
    return [...this.#keys.values()]
      .filter(({ createdAt }) => createdAt > from)
      .toSorted((a, b) => b.createdAt - a.createdAt)[0];
  }

  async #makeKey(): Promise<SigningKey> {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    await this.#database.run("INSERT INTO signing_keys (id, private_jwk, created_at) VALUES ($1, $2, $3)", [
      timeOrderedId(),
      await exportJWK(privateKey),
      new Date(this.#clock.wallTime()),
    ]);
    await this.#load();
    return this.#newest() as SigningKey;
  }

  /** Callers that come together wait for one query. */
  async #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #read(): Promise<void> {
    const { lifetime, keyLifetime } = this.#options;
    const now = this.#clock.wallTime();
    const oldest = new Date(now - lifetime - keyLifetime);
    await this.#database.run("DELETE FROM signing_keys WHERE created_at <= $1", [oldest]);
    const rows = await this.#database.query<StoredKey>("SELECT id, private_jwk, created_at FROM signing_keys");
    const keys = await Promise.all(
      rows.map(async ({ id, private_jwk: jwk, created_at: createdAt }): Promise<SigningKey> => {
        const { d: _private, ...publicJwk } = jwk;
        return {
          id,
          privateKey: (await importJWK(jwk, algorithm)) as CryptoKey,
          publicKey: (await importJWK(publicJwk, algorithm)) as CryptoKey,
          createdAt: createdAt.getTime(),
        };
      }),
    );
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#loadedAt = now;
  }
}
