import { Type } from "typebox";
import type { App } from "../http/app.ts";
import { callerNetwork } from "../http/caller-network.ts";
import { RequestFailure } from "../http/failure.ts";
import { bearer, failures, strict } from "../http/schemas.ts";
import { principalOf } from "./authentication.ts";
import type { Lockout } from "./lockout.ts";
import type { PasswordVerifier } from "./passwords.ts";
import type { Tokens } from "./tokens.ts";
import type { Users } from "./users.ts";

export interface AuthParts {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly passwords: PasswordVerifier;
  readonly lockout: Lockout;
}

const name = Type.String({ minLength: 1, maxLength: 200, pattern: "^[^\\u0000-\\u001f\\u007f]+$" });
/** Long enough to resist guessing, short enough to hash. */
const newPassword = Type.String({ minLength: 12, maxLength: 1000 });
const role = Type.Union([Type.Literal("admin"), Type.Literal("operator"), Type.Literal("member")]);
const user = Type.Object({ id: Type.String(), name: Type.String(), role }, { title: "User" });
const byId = strict({ id: Type.String({ format: "uuid" }) });

/** Logging in, and an administrator's users. */
export function authRoutes(app: App, parts: AuthParts): void {
  app.post(
    "/auth/login",
    {
      config: { open: true },
      schema: {
        summary: "A token for a name and a password",
        tags: ["auth"],
        body: strict({ username: name, password: Type.String({ minLength: 1, maxLength: 1000 }) }),
        response: { 200: Type.Object({ token: Type.String(), expires_at: Type.String() }), ...failures },
      },
    },
    async ({ body, ip }) => logIn(parts, body.username, body.password, ip),
  );
  userRoutes(app, parts.users);
}

async function logIn(
  { users, tokens, passwords, lockout }: AuthParts,
  username: string,
  password: string,
  ip: string,
): Promise<{ token: string; expires_at: string }> {
  const byName = `user:${username.toLowerCase()}`;
  const subjects = [byName, `address:${callerNetwork(ip)}`];
  refuseWhilePaused(await lockout.remaining(subjects));
  const found = await users.byName(username);
  const right = await passwords.verify(found?.disabled === false ? found.passwordHash : undefined, password);
  if (!found || !right) {
    await lockout.failed(subjects);
    throw new RequestFailure("unauthenticated", "AUTH_LOGIN_FAILED", "The name or the password is wrong.");
  }
  refuseWhilePaused(await lockout.succeeded(byName, subjects));
  const { token, expiresAt } = await tokens.sign(found, found.generation);
  return { token, expires_at: new Date(expiresAt).toISOString() };
}

function refuseWhilePaused(milliseconds: number): void {
  if (milliseconds === 0) return;
  throw new RequestFailure("rate_limited", "AUTH_PAUSED", "Too many failed logins. Try again later.", {
    retryAfter: Math.ceil(milliseconds / 1000),
  });
}

function userRoutes(app: App, users: Users): void {
  app.get(
    "/users",
    {
      schema: {
        summary: "The users of the own tenant",
        tags: ["users"],
        security: bearer,
        response: { 200: Type.Array(user), ...failures },
      },
    },
    async (request) =>
      (await users.list(principalOf(request, "admin").tenantId)).map(({ userId: id, userName, role: has }) => ({
        id,
        name: userName,
        role: has,
      })),
  );
  app.post(
    "/users",
    {
      schema: {
        summary: "A new user of the own tenant",
        tags: ["users"],
        security: bearer,
        body: strict({ name, password: newPassword, role }),
        response: { 201: user, ...failures },
      },
    },
    async (request, reply) => {
      const { tenantId } = principalOf(request, "admin");
      const made = await users.create({ ...request.body, tenantId });
      if (!made) throw new RequestFailure("conflict", "USER_EXISTS", "There is a user of this name already.");
      return reply.code(201).send({ id: made.userId, name: made.userName, role: made.role });
    },
  );
  app.patch(
    "/users/:id",
    {
      schema: {
        summary: "Changes a user of the own tenant, and ends its tokens",
        tags: ["users"],
        security: bearer,
        params: byId,
        body: Type.Object(
          { password: Type.Optional(newPassword), role: Type.Optional(role), disabled: Type.Optional(Type.Boolean()) },
          { additionalProperties: false, minProperties: 1 },
        ),
        response: { 204: Type.Null(), ...failures },
      },
    },
    async (request, reply) => {
      const { tenantId } = principalOf(request, "admin");
      if (!(await users.change(tenantId, request.params.id, request.body))) {
        throw new RequestFailure("not_found", "USER_UNKNOWN", "There is no such user.");
      }
      return reply.code(204).send(null);
    },
  );
}
