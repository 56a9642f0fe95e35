import type { FastifyRequest } from "fastify";
import type { Timings } from "../telemetry/timings.ts";
import { RequestFailure } from "../http/failure.ts";
import { type Principal, mayAct, type Role } from "./principal.ts";
import type { Tokens } from "./tokens.ts";
import type { Users } from "./users.ts";

const bearerForm = /^Bearer ([\w.~+/-]+=*)$/i;

/** Finds out who makes a request, before anything else of it is looked at. */
export class Authentication {
  readonly #tokens: Tokens;
  readonly #users: Users;
  readonly #timings: Timings;

  constructor(tokens: Tokens, users: Users, timings: Timings) {
    this.#tokens = tokens;
    this.#users = users;
    this.#timings = timings;
  }

  /** Sets the request's principal. Hot: once a request. */
  readonly hook = async (request: FastifyRequest): Promise<void> => {
    if (request.routeOptions.config.open === true || request.is404) return;
    request.principal = await this.#timings.of("tokenValidation", () =>
      this.principalOf(request.headers.authorization),
    );
  };

  /**
   * @throws RequestFailure `AUTH_TOKEN_MISSING`; `AUTH_TOKEN_INVALID`, which does not say what is wrong
   */
  async principalOf(header: string | undefined): Promise<Principal> {
    const [, token] = bearerForm.exec(header ?? "") ?? [];
    if (token === undefined) {
      throw new RequestFailure("unauthenticated", "AUTH_TOKEN_MISSING", "Send a token: Authorization: Bearer TOKEN.");
    }
    const claims = await this.#tokens.verify(token);
    const state = claims && (await this.#users.state(claims.userId));
    if (!claims || !state || state.disabled || state.generation !== claims.generation) {
      throw new RequestFailure("unauthenticated", "AUTH_TOKEN_INVALID", "The token is not valid. Log in again.");
    }
    return claims;
  }
}

/** The principal of a route that asks for a token. @throws RequestFailure `AUTH_ROLE_TOO_LOW` */
export function principalOf(request: FastifyRequest, as: Role = "member"): Principal {
  const { principal } = request;
  if (!principal) throw new RequestFailure("unauthenticated", "AUTH_TOKEN_MISSING", "Send a token.");
  if (mayAct(as, principal)) return principal;
  throw new RequestFailure("forbidden", "AUTH_ROLE_TOO_LOW", `This needs the role ${as}.`);
}
