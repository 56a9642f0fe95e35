/** Roles of a user of the service; each may do what the next may, and more. */
export const roles = ["admin", "operator", "member"] as const;
export type Role = (typeof roles)[number];
