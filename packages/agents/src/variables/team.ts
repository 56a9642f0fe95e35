import type { Random } from "@mettle/core";
import { refuseProblems, wholeAtLeast, within } from "../coordination/check-options.ts";
import { assign } from "./assignment.ts";
import type { Feedback, Strategy, VariableKind } from "./kind.ts";

export interface TeamCandidate {
  readonly agent: string;
  readonly capabilities: readonly string[];
  /** 0 … 1. @defaultValue 0.5: nothing is known */
  readonly performance?: number;
  /** 0 … 1, less is better. @defaultValue 0 */
  readonly cost?: number;
}

export interface TeamRole {
  readonly role: string;
  /** The capability that it needs. @defaultValue any agent will do */
  readonly capability?: string;
}

export interface TeamMember {
  readonly agent: string;
  /** Absent for members beyond the roles. */
  readonly role: string | undefined;
}

/** In the order of the roles, then members beyond them. */
export type Team = readonly TeamMember[];

/** What makes a good member. */
export type TeamAim = "performance" | "cost" | "balanced" | "capability";

export interface TeamOptions {
  readonly pool: readonly TeamCandidate[];
  readonly roles: readonly TeamRole[];
  /** Members, at least as many as roles. @defaultValue as many as roles */
  readonly size?: { readonly min: number; readonly max: number };
  /** @defaultValue balanced */
  readonly aim?: TeamAim;
  /** @defaultValue performance: forms the team anew from what it learned of its members */
  readonly strategy?: Strategy<Team>;
}

interface Candidate {
  readonly agent: string;
  readonly capabilities: ReadonlySet<string>;
  performance: number;
  readonly cost: number;
  available: boolean;
}

/** How much one feedback counts against what was known of the members. */
const LEARNING = 0.2;

/** A team of agents with roles. Forms the best one there is, and another when somebody becomes unavailable. */
export class TeamKind implements VariableKind<Team> {
  readonly #candidates = new Map<string, Candidate>();
  readonly #roles: readonly TeamRole[];
  readonly #size: { readonly min: number; readonly max: number };
  readonly #aim: TeamAim;
  readonly #strategy: Strategy<Team>;
  readonly initial: Team;

  /** @throws MettleError `OPTIONS_INVALID`, also when the pool cannot fill the roles */
  constructor({ pool, roles, size, aim = "balanced", strategy = "performance" }: TeamOptions) {
    this.#roles = roles;
    this.#size = size ?? { min: Math.max(1, roles.length), max: Math.max(1, roles.length) };
    this.#aim = aim;
    this.#strategy = strategy;
    for (const { agent, capabilities, performance = 0.5, cost = 0 } of pool) {
      this.#candidates.set(agent, { agent, capabilities: new Set(capabilities), performance, cost, available: true });
    }
    refuseProblems("Team variable", [
      ...(this.#candidates.size === pool.length ? [] : ["an agent is twice in the pool"]),
      // One member would fill both.
      ...(new Set(roles.map(({ role }) => role)).size === roles.length ? [] : ["a role is there twice"]),
      ...pool.flatMap(({ agent, performance = 0.5, cost = 0 }) => [
        ...within(`performance of ${agent}`, performance, 0, 1),
        ...within(`cost of ${agent}`, cost, 0, 1),
      ]),
      ...wholeAtLeast("size.min", this.#size.min, Math.max(1, roles.length)),
      ...wholeAtLeast("size.max", this.#size.max, this.#size.min),
    ]);
    const team = this.form();
    if (team === undefined) refuseProblems("Team variable", ["the pool cannot fill the roles"]);
    this.initial = team ?? [];
  }

  /** The best team of those available; undefined when they cannot fill the roles. Roles are assigned optimally. */
  form(): Team | undefined {
    const free = [...this.#candidates.values()].filter(({ available }) => available);
    const costs = this.#roles.map(({ capability }) =>
      free.map((candidate) =>
        capability === undefined || candidate.capabilities.has(capability)
          ? -this.#score(candidate, capability)
          : Infinity,
      ),
    );
    const seats = this.#roles.length === 0 ? [] : assign(costs);
    if (seats === undefined || free.length < this.#size.min) return undefined;
    const team: TeamMember[] = seats.map((seat, i) => ({ agent: free[seat]!.agent, role: this.#roles[i]!.role }));
    const seated = new Set(seats);
    const others = free.filter((_, i) => !seated.has(i)).sort((a, b) => this.#score(b) - this.#score(a));
    // Nobody beyond the least is taken for cost's sake; for the other aims more hands are better.
    const size = this.#aim === "cost" ? this.#size.min : this.#size.max;
    for (const { agent } of others.slice(0, size - team.length)) team.push({ agent, role: undefined });
    return team;
  }

  /** @returns whether the agent is in the pool */
  setAvailable(agent: string, available: boolean): boolean {
    const candidate = this.#candidates.get(agent);
    if (candidate !== undefined) candidate.available = available;
    return candidate !== undefined;
  }

  accept(value: unknown): Team | undefined {
    if (!Array.isArray(value) || value.length < this.#size.min || value.length > this.#size.max) return undefined;
    const team = value as Team;
    const agents = new Set(team.map((member) => member?.agent));
    if (agents.size !== team.length) return undefined;
    if (team.some((member) => this.#candidates.get(member?.agent)?.available !== true)) return undefined;
    const filled = this.#roles.every(({ role, capability }) => {
      const member = team.find((one) => one.role === role);
      if (member === undefined) return false;
      return capability === undefined || this.#candidates.get(member.agent)!.capabilities.has(capability);
    });
    return filled ? team : undefined;
  }

  /** Share of the larger team that is not in the other. */
  magnitude(from: Team, to: Team): number {
    const before = new Set(from.map(({ agent, role }) => `${role}:${agent}`));
    const kept = to.filter(({ agent, role }) => before.has(`${role}:${agent}`)).length;
    return 1 - kept / Math.max(from.length, to.length, 1);
  }

  between(): undefined {
    return undefined;
  }

  worth({ performance }: Feedback<Team>): number {
    return performance;
  }

  learn(feedback: Feedback<Team>, current: Team, random: Random): Team | undefined {
    if (this.#strategy === "static") return undefined;
    if (typeof this.#strategy === "function") return this.#strategy(feedback, current, random);
    if (this.#strategy === "model") return feedback.suggested;
    const performance = Math.min(1, Math.max(0, feedback.performance));
    for (const { agent } of current) {
      const candidate = this.#candidates.get(agent);
      if (candidate !== undefined) candidate.performance += LEARNING * (performance - candidate.performance);
    }
    return this.form();
  }

  #score({ performance, cost, capabilities }: Candidate, capability?: string): number {
    switch (this.#aim) {
      case "performance":
        return performance;
      case "cost":
        return -cost;
      case "balanced":
        return 0.5 * performance + 0.5 * (1 - cost);
      case "capability": {
        // As many of the roles' capabilities as possible, so that members can stand in for one another.
        const useful = this.#roles.filter((role) => role.capability !== undefined && capabilities.has(role.capability));
        return useful.length + (capability === undefined ? 0 : performance / 1000);
      }
    }
  }
}
