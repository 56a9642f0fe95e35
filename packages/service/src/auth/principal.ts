/** Roles of a user; each may do what those after it may, and more. */
export const roles = ["admin", "operator", "member"] as const;
export type Role = (typeof roles)[number];

/** Who makes a request. All data is reached through its tenant. */
export interface Principal {
  readonly userId: string;
  readonly userName: string;
  readonly tenantId: string;
  readonly role: Role;
}

export const mayAct = (as: Role, principal: Principal): boolean => roles.indexOf(principal.role) <= roles.indexOf(as);
